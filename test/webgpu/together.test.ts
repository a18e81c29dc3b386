// Several tensors in few dispatches: how many, on which devices, and that the numbers are those of one by one.

import {backend, getKernel, registerKernel, scalar, tensor1d, unregisterKernel} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {adamWGpu} from '../../custom-ops/adam-w/kernel.wgsl.js';
import {asRecorder} from '../../custom-ops/backends/webgpu/dispatch/recorder.js';
import {CapturedStep, checkKernel} from '../../custom-ops/backends/webgpu/index.js';
import {sumOfSquares} from '../../custom-ops/index.js';
import type {Dims} from '../../custom-ops/op.js';
import {kernelName, memberName} from '../../custom-ops/op.js';
import {ops} from '../../custom-ops/op-list.js';
import {sumOfSquaresGpu} from '../../custom-ops/sum-of-squares/kernel.wgsl.js';
import type {GpuLimits, Pass, Plan} from '../../custom-ops/wgsl/plan.js';
import {renderPass} from '../../custom-ops/wgsl/plan.js';
import {least} from '../support/devices.js';
import {expectReplayedTogether, togetherTests} from '../support/together-laws.js';
import {warnings} from '../support/warnings.js';
import {onPoisonedBuffers, useWebGPUOrSkip} from '../support/webgpu.js';

/** Tensors of a Mamba of 130M parameters by the rate and decay that training gives them: width 768, 24 layers, 4,096 ids. */
const layers = 24;
const each = (...counts: number[]): number[] => Array.from({length: layers}, () => counts).flat();
const mamba = {
  matrices: each(768 * 3072, 1536 * 4, 1536 * 80, 48 * 1536, 1536 * 768),
  others: each(1536, 1536, 1536 * 16, 1536),
  table: [4096 * 768],
  norms: [...each(768), 768],
};

function dimsOf(counts: readonly number[]): Dims {
  return {
    calls: counts.length,
    ...Object.fromEntries(counts.map((count, i) => [memberName('*', i), count])),
  };
}

function passesOf(plan: (limits: GpuLimits) => Plan | undefined, storageBuffers: number): readonly Pass[] {
  const own = {...least, storageBuffers};
  const {passes = []} = plan(own) ?? {};
  for (const {name, read, write} of passes)
    expect(Object.keys({...read, ...write}).length, name).to.be.at.most(storageBuffers);
  return passes;
}

const attrs = {learningRate: 0, beta1: 0, beta2: 0, epsilon: 0, weightDecay: 0, step: 1};
const wanted = new Set<string>();

const pipelines = (passes: readonly Pass[]): number => new Set(passes.map(renderPass)).size;

describe('plans of calls together on webgpu', () => {
  for (const [storageBuffers, sums, kinds] of [
    [8, 37, 17],
    [10, 29, 18],
    [16, 19, 16],
  ]) {
    it(`sum the squares of 242 tensors in ${sums} dispatches with ${storageBuffers} bindings`, () => {
      const dims = dimsOf(Object.values(mamba).flat());
      expect(dims.calls).to.equal(242);
      const present = new Set<string>();
      const passes = passesOf(
        own => sumOfSquaresGpu.together?.({dims, attrs: {}, present, wanted, limits: own}),
        storageBuffers,
      );
      expect([passes.length, pipelines(passes)]).to.deep.equal([sums, kinds]);
    });
  }

  for (const [storageBuffers, dispatches, kinds] of [
    [8, 242, 9],
    [10, 122, 10],
    [16, 82, 10],
  ]) {
    it(`step 242 parameters in ${dispatches} dispatches with ${storageBuffers} bindings`, () => {
      const present = new Set(['gradientScale']);
      const passes = Object.values(mamba).flatMap(counts =>
        passesOf(
          own => adamWGpu.together?.({dims: dimsOf(counts), attrs, present, wanted, limits: own}),
          storageBuffers,
        ),
      );
      expect([passes.length, pipelines(passes)]).to.deep.equal([dispatches, kinds]);
    });
  }

  it('do without the last step where every tensor is small', () => {
    const dims = dimsOf([1, 2, 4096]);
    const plan = sumOfSquaresGpu.together?.({dims, attrs: {}, present: new Set(), wanted, limits: least});
    expect(plan?.passes.map(({workgroups}) => workgroups[0])).to.deep.equal([3, 1]);
    expect(plan?.scratch).to.deep.equal({parts: 3});
  });
});

const devices: Record<string, Partial<GpuLimits>> = {
  here: {},
  'with 8 bindings': {storageBuffers: 8},
  'without subgroups': {subgroup: 0},
};
for (const [what, lesser] of Object.entries(devices)) {
  describe(`calls together on webgpu, on a device ${what}`, function () {
    this.timeout(300_000);
    onPoisonedBuffers(lesser);
    togetherTests();
  });
}

describe('calls together on webgpu', function () {
  this.timeout(300_000);
  before(async function () {
    await useWebGPUOrSkip(this);
  });

  /** Dispatches of a step that calls ops together. */
  const replayed = async (): Promise<number> => {
    const runner = new CapturedStep();
    await expectReplayedTogether(runner);
    const {dispatchCount} = runner;
    runner.dispose();
    return dispatchCount;
  };

  it('are replayed with the numbers of each run, a set for each call', async () => {
    const {maxStorageBuffersPerShaderStage: bindings} = asRecorder(backend()).device.limits;
    expect(await replayed()).to.equal(Math.ceil(4 / Math.floor(bindings / 4)) + 1 + 2);
  });

  it('are replayed where they go one by one, too', async () => {
    const name = kernelName(ops.adamW, 'together');
    const config = getKernel(name, 'webgpu');
    if (config === undefined) throw new Error(`no kernel ${name}`);
    unregisterKernel(name, 'webgpu');
    try {
      expect(await replayed()).to.equal(4 + 1 + 2);
    } finally {
      registerKernel(config);
    }
  });

  it('that are wrong on a device go one by one from then on, said once', async () => {
    const name = kernelName(ops.sumOfSquares, 'together');
    const config = getKernel(name, 'webgpu');
    if (config === undefined) throw new Error(`no kernel ${name}`);
    expect(await checkKernel(ops.sumOfSquares, {role: 'together'})).to.equal(true);
    expect(await checkKernel(ops.adamW, {role: 'together'})).to.equal(true);
    unregisterKernel(name, 'webgpu');
    try {
      registerKernel({...config, kernelFunc: () => [scalar(1)]});
      const tensors = [tensor1d([1, 2]), scalar(3)];
      const sum = async (): Promise<number> => {
        const y = sumOfSquares(tensors);
        const [value] = await y.data();
        y.dispose();
        return value;
      };
      expect(await sum()).to.equal(1);
      const printed = await warnings(async () => {
        expect(await checkKernel(ops.sumOfSquares, {role: 'together'})).to.equal(false);
      });
      expect(printed).to.have.length(1);
      expect(printed[0]).to.match(/sumOfSquares fails its self-check on this GPU \(y is off by .*one by one/);
      expect(await sum()).to.equal(14);
      for (const tensor of tensors) tensor.dispose();
    } finally {
      if (getKernel(name, 'webgpu') !== undefined) unregisterKernel(name, 'webgpu');
      registerKernel(config);
    }
  });
});
