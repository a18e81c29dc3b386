// Kernels of ours in place of tfjs-node's own give the same numbers, and run where they should.

import type {Tensor, Tensor1D} from '@tensorflow/tfjs-core';
import {
  add,
  backend,
  clone,
  grad,
  memory,
  range,
  reshape,
  scalar,
  sum,
  tidy,
  variable,
} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {startTensorFlow} from '../../custom-ops/backends/tensorflow/index.js';
import type {NodeBackend} from '../../custom-ops/backends/tensorflow/node-backend.js';
import {adamW} from '../../custom-ops/index.js';
import {useReadableBackend} from '../support/backends.js';

/** Names of TensorFlow's ops that `body` runs. */
function opsOf(body: () => void): string[] {
  const node = backend() as unknown as NodeBackend;
  const {executeSingleOutput} = node;
  const names: string[] = [];
  node.executeSingleOutput = (name, ...rest) => {
    names.push(name);
    return executeSingleOutput.call(node, name, ...rest);
  };
  try {
    body();
  } finally {
    node.executeSingleOutput = executeSingleOutput;
  }
  return names;
}

describe("kernels in place of TensorFlow's own", () => {
  before(function () {
    return useReadableBackend(this, 'tensorflow');
  });
  afterEach(() => startTensorFlow().setPoison(false));

  for (const [length, op] of [
    [100, 'AddV2'],
    [8192, 'BMojoPlus'],
    [65_543, 'BMojoPlus'],
    [1_000_003, 'BMojoPlus'],
  ] as const) {
    it(`${length} sums`, () => {
      startTensorFlow().setPoison(true);
      const a = Float32Array.from({length}, (_, i) => Math.sin(i) * 1e3);
      const b = Float32Array.from({length}, (_, i) => Math.cos(i * i));
      const before = memory().numTensors;
      tidy(() => {
        const [x, y] = [a, b].map(values => reshape(values, [1, length]));
        let total: Tensor | undefined;
        const names = opsOf(() => {
          total = add(x, y);
        });
        expect(names.map(name => (name === 'Add' ? 'AddV2' : name))).to.deep.equal([op]);
        expect(total?.shape).to.deep.equal([1, length]);
        expect(total?.dataSync()).to.deep.equal(a.map((value, i) => value + b[i]));
      });
      expect(memory().numTensors).to.equal(before);
    });
  }

  it("sums of other kinds are TensorFlow's", () => {
    tidy(() => {
      const wide = range(0, 10_000).reshape([100, 100]);
      const whole = range(0, 10_000, 1, 'int32');
      expect(opsOf(() => add(wide, range(0, 100)))).to.not.include('BMojoPlus');
      expect(opsOf(() => add(whole, whole))).to.not.include('BMojoPlus');
      expect(add(wide, range(0, 100)).dataSync()[10_000 - 1]).to.equal(9999 + 99);
    });
  });

  it('gradients that meet are summed', () => {
    tidy(() => {
      const x = range(0, 10_000);
      const slope = grad((given: Tensor) => sum(add(add(given, given), given)))(x);
      expect(slope.dataSync().every(value => value === 3)).to.equal(true);
    });
  });

  it('the same shape is no op, and outlives what it came from', () => {
    const x = range(0, 12).reshape([3, 4]);
    const before = memory().numDataBuffers;
    let same: Tensor | undefined;
    expect(
      opsOf(() => {
        same = reshape(x, [3, 4]);
      }),
    ).to.deep.equal([]);
    expect(memory().numDataBuffers).to.equal(before);
    x.dispose();
    expect(same?.dataSync()[11]).to.equal(11);
    const flat = reshape(same!, [-1, 2]);
    expect(flat.shape).to.deep.equal([6, 2]);
    for (const one of [same!, flat]) one.dispose();
    expect(memory().numDataBuffers).to.equal(before - 1);
  });

  it('a reshaped variable keeps its values when the variable is updated', () => {
    const parameter = variable(range(0, 4));
    const moments = [0, 1].map(() => variable(scalar(0).add(range(0, 4).mul(0))));
    const kept = reshape(parameter, [4]) as Tensor1D;
    const gradient = clone(range(1, 5));
    adamW(
      {parameter, gradient, firstMoment: moments[0], secondMoment: moments[1]},
      {learningRate: 1, step: 1},
    );
    expect([...kept.dataSync()]).to.deep.equal([0, 1, 2, 3]);
    expect(parameter.dataSync()[0]).to.be.closeTo(-1, 1e-3);
    for (const one of [parameter, ...moments, kept, gradient]) one.dispose();
  });
});
