// A kernel that computes something else is found out and replaced, with one warning: on matrix units by the kernel without,
// else by the composed form.

import type {KernelConfig, Rank} from '@tensorflow/tfjs-core';
import {
  backend,
  dispose,
  getKernel,
  ones,
  registerKernel,
  tensor3d,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {asRecorder} from '../../custom-ops/backends/webgpu/dispatch/recorder.js';
import {checkKernel, compiledPipelines} from '../../custom-ops/backends/webgpu/index.js';
import {hasKernel, linear, swiglu} from '../../custom-ops/index.js';
import {kernelName} from '../../custom-ops/op.js';
import {ops} from '../../custom-ops/op-list.js';
import {fullUnit, withMatrixUnits} from '../support/emulated-matrices.js';
import {warnings} from '../support/warnings.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

const op = ops.swiglu;

describe('self-check on webgpu', function () {
  this.timeout(300_000);
  const saved: KernelConfig[] = [];
  before(async function () {
    await useWebGPUOrSkip(this);
    for (const direction of ['forward', 'backward'] as const) {
      const config = getKernel(kernelName(op, direction), 'webgpu');
      if (config !== undefined) saved.push(config);
    }
  });
  afterEach(() => {
    for (const config of saved) {
      if (getKernel(config.kernelName, 'webgpu') !== undefined) unregisterKernel(config.kernelName, 'webgpu');
      registerKernel(config);
    }
  });

  it('leaves a good kernel in place', async () => {
    const printed = await warnings(async () => {
      expect(await checkKernel(op)).to.equal(true);
    });
    expect(printed).to.deep.equal([]);
    expect(hasKernel(op)).to.equal(true);
  });

  it('compiles for the first use forward nothing of the gradients', async () => {
    const runs = {forward: 0, backward: 0};
    for (const direction of ['forward', 'backward'] as const) {
      const config = saved.find(({kernelName: name}) => name === kernelName(op, direction));
      if (config === undefined) throw new Error(`no kernel ${direction}`);
      unregisterKernel(config.kernelName, 'webgpu');
      registerKernel({
        ...config,
        kernelFunc: call => {
          runs[direction]++;
          return config.kernelFunc(call);
        },
      });
    }
    expect(await checkKernel(op, {role: 'forward'})).to.equal(true);
    expect(runs.forward).to.be.above(0);
    expect(runs.backward).to.equal(0);
    const pipelines = compiledPipelines();
    expect(await checkKernel(op, {role: 'forward'})).to.equal(true);
    expect(compiledPipelines(), 'again, nothing is compiled').to.equal(pipelines);
    expect(await checkKernel(op, {role: 'backward'})).to.equal(true);
    expect(runs.backward).to.be.above(0);
  });

  it('replaces a kernel that swaps its inputs', async () => {
    const [forward] = saved;
    unregisterKernel(forward.kernelName, 'webgpu');
    registerKernel({
      ...forward,
      kernelFunc: call => {
        const [gate, up] = Object.values(call.inputs);
        return forward.kernelFunc({...call, inputs: [up, gate] as unknown as typeof call.inputs});
      },
    });
    const printed = await warnings(async () => {
      expect(await checkKernel(op)).to.equal(false);
    });
    expect(printed).to.have.length(1);
    expect(printed[0]).to.match(/swiglu fails its self-check on this GPU \(y is off by .*composed/);
    expect(hasKernel(op)).to.equal(false);
    const x = tensor3d([[[0, 1]]]);
    const y = swiglu(x, x);
    expect((await y.data())[1]).to.be.closeTo(1 / (1 + Math.exp(-1)), 1e-6);
  });

  it('does without matrix units that compute something else, and keeps the kernel', async () => {
    const x = ones<Rank.R3>([1, 64, 64]);
    const weight = ones<Rank.R2>([64, 64]);
    const product = async (): Promise<number> => {
      const y = linear(x, weight, undefined, {precision: 'float16'});
      const [first] = await y.data();
      y.dispose();
      return first;
    };
    // Units of their own: what is known of some is not known of others.
    const made = await withMatrixUnits([{...fullUnit}], async () => {
      const {device} = asRecorder(backend());
      const create = device.createShaderModule;
      device.createShaderModule = descriptor =>
        create({...descriptor, code: descriptor.code.replace(/sum0_0 = subgroupMatrixMultiply[^;]*;/, '')});
      expect(await product()).to.be.below(64);
      const printed = await warnings(async () => {
        expect(await checkKernel(ops.linear, {precision: 'float16', role: 'forward'})).to.equal(false);
      });
      expect(printed).to.have.length(1);
      expect(printed[0]).to.match(
        /linear in float16 fails its self-check on this GPU \(y is off.* without matrix units/,
      );
      expect(hasKernel(ops.linear)).to.equal(true);
      expect(await product()).to.equal(64);
    });
    expect(made, 'pipelines on matrix units').to.be.above(0);
    dispose([x, weight]);
  });
});
