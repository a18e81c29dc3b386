// A kernel that computes something else is found out and replaced by the composed form, with one warning.

import type {KernelConfig} from '@tensorflow/tfjs-core';
import {getKernel, registerKernel, tensor3d, unregisterKernel} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {checkKernel, compiledPipelines} from '../../custom-ops/backends/webgpu/index.js';
import {hasKernel, swiglu} from '../../custom-ops/index.js';
import {kernelName} from '../../custom-ops/op.js';
import {ops} from '../../custom-ops/op-list.js';
import {warnings} from '../support/warnings.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

const op = ops.swiglu;

describe('self-check on webgpu', function () {
  this.timeout(60_000);
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
    expect(await checkKernel(op, {direction: 'forward'})).to.equal(true);
    expect(runs.forward).to.be.above(0);
    expect(runs.backward).to.equal(0);
    const pipelines = compiledPipelines();
    expect(await checkKernel(op, {direction: 'forward'})).to.equal(true);
    expect(compiledPipelines(), 'again, nothing is compiled').to.equal(pipelines);
    expect(await checkKernel(op, {direction: 'backward'})).to.equal(true);
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
});
