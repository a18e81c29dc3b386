// tfjs's own operations as our device issues them: from plans that are kept, with shared constants and memory reused at once.

import type {Tensor1D} from '@tensorflow/tfjs-core';
import {
  add,
  addN,
  backend,
  concat,
  cumsum,
  memory,
  mul,
  range,
  scalar,
  slice,
  split,
  tensor,
  tensor1d,
  tidy,
  variable,
} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {asRecorder} from '../../custom-ops/backends/webgpu/dispatch/recorder.js';
import {packUniforms} from '../../custom-ops/backends/webgpu/stock/uniform-store.js';
import {adamW} from '../../custom-ops/index.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

const plain = {learningRate: 1, step: 1, beta1: 0, beta2: 0, epsilon: 1e-12, weightDecay: 0};

describe("tfjs's operations on webgpu", function () {
  this.timeout(300_000);
  before(async function () {
    await useWebGPUOrSkip(this);
  });

  it('take the shapes and numbers of each call', async () => {
    const x = range(0, 6000, 1, 'float32') as Tensor1D;
    // More than there are places for uniforms: each begin is another.
    const picked = tidy(() => {
      const parts: Tensor1D[] = [];
      for (let begin = 0; begin < 5000; begin++) {
        const part = slice(x, [begin], [2]);
        if (begin % 499 === 0) parts.push(part);
        else part.dispose();
      }
      return parts;
    });
    for (const [i, part] of picked.entries())
      expect([...(await part.data())]).to.deep.equal([499 * i, 499 * i + 1]);
    for (const length of [1, 3, 4, 8, 3]) {
      const sum = tidy(() => add(slice(x, [0], [length]), slice(x, [length], [length])));
      const expected = Array.from({length}, (_, i) => 2 * i + length);
      expect([...(await sum.data())], `length ${length}`).to.deep.equal(expected);
      sum.dispose();
    }
    for (const one of [x, ...picked]) one.dispose();
  });

  it('add more summands than the device has bindings', async () => {
    const {device} = asRecorder(backend());
    const count = 2 * device.limits.maxStorageBuffersPerShaderStage + 3;
    const summands = Array.from({length: count}, (_, i) => tensor1d([i, 2 * i, -i]));
    const total = addN(summands);
    const sum = (count * (count - 1)) / 2;
    expect([...(await total.data())]).to.deep.equal([sum, 2 * sum, -sum]);
    for (const one of [total, ...summands]) one.dispose();
  });

  it('split a few numbers by one dispatch, whatever is split along which axis', async () => {
    const {device} = asRecorder(backend());
    const most = device.limits.maxStorageBuffersPerShaderStage;
    const write = GPUComputePassEncoder.prototype.dispatchWorkgroups;
    let dispatches = 0;
    GPUComputePassEncoder.prototype.dispatchWorkgroups = function (...workgroups) {
      dispatches++;
      return write.apply(this, workgroups);
    };
    try {
      for (const [shape, sizes, axis, wanted] of [
        [[1, 1, 83], [3, 16, 64], 2, 1],
        [[3, 5, 7], [1, 2, 4], -1, 1],
        [[6], [5, 1], 0, 1],
        [[3, 4, 1], [1, 3], 1, 1],
        [[3, 4, 2], [1, 3], 1, 2],
        [[2, 1, 40_000], [39_999, 1], 2, 2],
        [[2, most], Array.from({length: most}, () => 1), 1, most],
        [[0, 4], [1, 3], 1, 0],
        [[3, 4], [4, 0], 1, 1],
      ] as const) {
        const values = Int32Array.from({length: shape.reduce((a, b) => a * b, 1)}, (_, i) => 7 * i - 9);
        const x = tensor(values, [...shape], 'int32');
        await x.data();
        const moved = tidy(() => add(x, scalar(0, 'int32')));
        dispatches = 0;
        const parts = split(moved, [...sizes], axis);
        expect(dispatches, `dispatches of [${shape}] into ${sizes.slice(0, 9)}`).to.equal(wanted);
        const joined = concat(parts, axis);
        expect(parts.map(part => part.shape[axis < 0 ? shape.length + axis : axis])).to.deep.equal([
          ...sizes,
        ]);
        expect([...(await joined.data())]).to.deep.equal([...values]);
        for (const one of [x, moved, joined, ...parts]) one.dispose();
      }
    } finally {
      GPUComputePassEncoder.prototype.dispatchWorkgroups = write;
    }
  });

  it('sum up rows of any length, backwards too', async () => {
    for (const length of [3, 5, 8]) {
      const rows = tensor1d(Array.from({length}, (_, i) => i + 1));
      const sums = cumsum(rows, 0, false, true);
      const expected = Array.from({length}, (_, i) => (length * (length + 1)) / 2 - (i * (i + 1)) / 2);
      expect([...(await sums.data())]).to.deep.equal(expected);
      rows.dispose();
      sums.dispose();
    }
  });

  it('share equal numbers, which no write in place changes', async () => {
    const x = tensor1d([1, 2]);
    const parameter = variable(scalar(2));
    const moments = [variable(scalar(0)), variable(scalar(0))];
    const gradient = scalar(1);
    const sums = async (): Promise<number[][]> => {
      const both = tidy(() => [add(x, parameter), add(x, 2)]);
      const values = await Promise.all(both.map(async sum => [...(await sum.data())]));
      for (const sum of both) sum.dispose();
      return values;
    };
    expect(await sums()).to.deep.equal([
      [3, 4],
      [3, 4],
    ]);
    adamW({parameter, gradient, firstMoment: moments[0], secondMoment: moments[1]}, plain);
    const [ofVariable, ofNumber] = await sums();
    expect(ofVariable[0]).to.be.closeTo(2, 1e-6);
    expect(ofNumber).to.deep.equal([3, 4]);
    expect((await parameter.data())[0]).to.be.closeTo(1, 1e-6);
    for (const one of [x, parameter, gradient, ...moments]) one.dispose();
  });

  it('tell -0 from 0', async () => {
    const x = tensor1d([-0, 1]);
    const products = tidy(() => [mul(x, 0), mul(x, -0)]);
    const [zero, minus] = await Promise.all(products.map(one => one.data()));
    expect([1 / zero[1], 1 / minus[1]]).to.deep.equal([Infinity, -Infinity]);
    for (const one of [x, ...products]) one.dispose();
  });

  it('reuse memory as soon as its tensor is disposed', async () => {
    const size = 1 << 16;
    let x = tidy(() => add(range(0, size, 1, 'float32'), 1));
    const allocated = (): number =>
      (backend() as unknown as {memory(): {numBytesAllocatedInGPU: number}}).memory().numBytesAllocatedInGPU;
    const before = {bytes: allocated(), tensors: memory().numTensors};
    for (let i = 0; i < 40; i++) {
      const next = add(x, 1);
      x.dispose();
      x = next;
    }
    expect(allocated() - before.bytes).to.be.at.most(4 * size);
    expect((await x.data())[5]).to.equal(46);
    expect(memory().numTensors).to.equal(before.tensors);
    x.dispose();
  });
});

describe('uniforms', () => {
  it('lie where WGSL wants them', () => {
    const bytes = packUniforms([
      {type: 'float32', data: [1.5]},
      {type: 'int32', data: [2, 3]},
      {type: 'int32', data: []},
      {type: 'int32', data: [4, 5, 6]},
      {type: 'uint32', data: [7]},
      {type: 'int32', data: [8, 9, 10, 11, 12]},
      {type: 'int32', data: [13]},
    ]);
    const words = new Int32Array(bytes);
    expect(new Float32Array(bytes)[0]).to.equal(1.5);
    expect([...words.subarray(1)]).to.deep.equal([
      0, 2, 3, 1, 0, 0, 0, 4, 5, 6, 7, 8, 9, 10, 11, 12, 0, 0, 0, 13, 0, 0, 0,
    ]);
  });
});
