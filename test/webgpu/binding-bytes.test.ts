// Buffers and what a device binds at once, 128 MiB where an adapter offers no more: plans whose temporary buffers would be
// longer take another form, and calls of which a buffer is longer whatever the form are refused before anything runs.

import {WebGPUBackend} from '@tensorflow/tfjs-backend-webgpu';
import type {Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {
  copyRegisteredKernels,
  getKernelsForBackend,
  memory,
  registerBackend,
  removeBackend,
  setBackend,
  tensor,
  tidy,
  unregisterKernel,
  zeros,
} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {findAdapter} from '../../custom-ops/backends/webgpu/device.js';
import {checkBindingBytes} from '../../custom-ops/backends/webgpu/dispatch/bindings.js';
import {webgpuDebug} from '../../custom-ops/backends/webgpu/index.js';
import {gpuKernels} from '../../custom-ops/backends/webgpu/kernels.generated.js';
import {quicken} from '../../custom-ops/backends/webgpu/stock/quick-backend.js';
import {ArgumentError, linear, memoryAttention} from '../../custom-ops/index.js';
import type {Attributes, Dims, OpCase, OpDefinition} from '../../custom-ops/op.js';
import {kernelPorts, shapeOf} from '../../custom-ops/op.js';
import {opList} from '../../custom-ops/op-list.js';
import {casesOf} from '../../custom-ops/parity.js';
import {product} from '../../custom-ops/sampling.js';
import type {GpuLimits, Plan} from '../../custom-ops/wgsl/plan.js';
import {least, nvidia} from '../support/devices.js';
import {expectParity} from '../support/kernel-laws.js';
import {onPoisonedBuffers, useWebGPUOrSkip} from '../support/webgpu.js';

type Role = 'forward' | 'backward';
const roles: readonly Role[] = ['forward', 'backward'];

interface Case {
  readonly op: OpDefinition;
  readonly role: Role;
  /** Whether the op takes these sizes: products of halves are of few rows, whose number shapes their code. */
  readonly isTaken: boolean;
  /** 4-byte words of each tensor of the call. */
  readonly words: ReadonlyMap<string, number>;
  plan(limits: GpuLimits): Plan;
}

function takes(op: OpDefinition, attrs: Attributes, dims: Dims): boolean {
  try {
    op.checkAttributes(attrs, dims);
    return true;
  } catch (error) {
    if (error instanceof ArgumentError) return false;
    throw error;
  }
}

function caseOf(op: OpDefinition, {dims: given, attrs, omit = []}: OpCase<Attributes>, role: Role): Case {
  const kernel = gpuKernels[op.name];
  const planner = kernel === 'composed' ? undefined : kernel[role];
  if (kernel === 'composed' || planner === undefined) throw new Error(`${op.name} has no ${role} kernel`);
  const derived = Object.entries(op.derivedDims ?? {}).map(([name, of]) => [name, of(given, attrs)]);
  const dims: Dims = {...given, ...Object.fromEntries(derived)};
  const isGiven = ({name}: {name: string}): boolean =>
    !omit.some(left => name === left || name.toLowerCase() === `grad${left}`.toLowerCase());
  const {inputs, outputs} = kernelPorts(op, role);
  const ports = [...inputs, ...outputs].filter(isGiven);
  const fixed = Object.entries(attrs).filter(([name]) => kernel.dynamic?.includes(name) !== true);
  return {
    op,
    role,
    isTaken: takes(op, attrs, dims),
    words: new Map(ports.map(port => [port.name, product(shapeOf(port, dims))])),
    plan: limits =>
      planner({
        dims,
        attrs: Object.fromEntries(fixed),
        present: new Set(inputs.filter(isGiven).map(({name}) => name)),
        wanted: new Set(outputs.filter(isGiven).map(({name}) => name)),
        limits,
      }),
  };
}

/** Bytes of the largest tensor: a device that binds less cannot make the call in any form. */
const largestTensor = ({words}: Case): number => 4 * Math.max(...words.values());

const largestScratch = ({scratch = {}}: Plan): [string, number] =>
  Object.entries(scratch).reduce((most, one) => (one[1] > most[1] ? one : most), ['', 0]);

const names = ({passes}: Plan): string[] => passes.map(({name}) => name);

/**
 * Temporary buffers of gradients, and of ssdScan, that can be longer than every tensor of a call and have no form without them:
 * of few tokens, few channels or many slots. Such calls are refused.
 */
const withoutOtherForm: Readonly<Record<string, readonly string[]>> = {
  causalConv1d: ['parts'],
  memoryAttention: ['storedK', 'storedV'],
  retrievedAttention: ['parts'],
  selectiveScan: ['ends', 'partials', 'tokens', 'parts'],
  ssdScan: ['steps', 'scores', 'gradScores', 'tokenSums', 'logSums'],
};

/** Sizes that shape no code beyond constants. */
const scaled = ['B', 'L', 'H', 'G', 'M', 'E', 'V'];

/** The case with one size so many times larger that its largest tensor is the longest that WebGPU promises to bind, nearly. */
function* largestCases(op: OpDefinition, opCase: OpCase<Attributes>, role: Role): Generator<Case> {
  const largerBy = (name: string, times: number): Case => {
    const {L = 0, M = L} = opCase.dims;
    const dims = {...opCase.dims, [name]: opCase.dims[name] * times};
    return caseOf(
      op,
      {...opCase, dims: name === 'L' && 'M' in dims ? {...dims, M: M - L + dims.L} : dims},
      role,
    );
  };
  for (const name of scaled) {
    if (!(name in opCase.dims)) continue;
    let times = 1;
    while (times < 2 ** 24 && largestTensor(largerBy(name, 2 * times)) <= least.bindingBytes) times *= 2;
    const largest = largerBy(name, times);
    if (times < 2 ** 24 && largest.isTaken) yield largest;
  }
}

describe('buffers that a device does not bind', function () {
  this.timeout(60_000);
  for (const [device, {bindingBytes: _, ...limits}] of Object.entries({least, nvidia})) {
    it(`are in no plan, or are those of which there is no other form: ${device}`, () => {
      const {bindingBytes} = least;
      let [fitting, refused] = [0, 0];
      for (const op of opList) {
        const kernel = gpuKernels[op.name];
        for (const opCase of casesOf(op, 'test')) {
          for (const role of roles) {
            if (kernel === 'composed' || kernel[role] === undefined || op.name === 'innovationSelect')
              continue;
            for (const one of largestCases(op, opCase, role)) {
              const {scratch = {}} = one.plan({...limits, bindingBytes});
              const check = (): void =>
                checkBindingBytes(op.name, new Map([...one.words, ...Object.entries(scratch)]), {
                  bindingBytes,
                });
              const beyond = Object.entries(scratch).filter(([, words]) => 4 * words > bindingBytes);
              if (beyond.length === 0) {
                check();
                fitting++;
                continue;
              }
              refused++;
              expect(withoutOtherForm[op.name] ?? [], `${op.name} ${opCase.name} ${role}`).to.include.members(
                beyond.map(([name]) => name),
              );
              expect(check).to.throw(
                /^bmojo: \w+ on webgpu needs \w+ in one buffer of \d+ MiB, and this device/,
              );
            }
          }
        }
      }
      expect(fitting).to.be.above(500);
      expect(refused).to.be.below(fitting / 4);
    });
  }

  it('are told by name, with what the device binds and what helps', () => {
    const words = new Map([
      ['x', 2 ** 20],
      ['found', 2 ** 26],
    ]);
    expect(() => checkBindingBytes('memoryAttention', words, least)).to.throw(
      'bmojo: memoryAttention on webgpu needs found in one buffer of 256 MiB, and this device binds at most 128 MiB; ' +
        'take fewer sequences or shorter ones at a time, a smaller model, or a device with larger limits',
    );
    checkBindingBytes('memoryAttention', words, {bindingBytes: 2 ** 28});
  });

  const attention = {window: 2 ** 17, fading: 'none', fadingTokens: 0, precision: 'float16'};
  const offsets = {queryOffset: 0, firstRow: 0, phase: 0};
  const attentionCase = (dims: Dims): OpCase<Attributes> => ({
    name: 'large',
    dims: {C: 1, ...dims},
    attrs: {...attention, ...offsets},
    omit: ['kFading', 'vFading', 'positions'],
    use: 'bench',
  });
  const opOf = (name: string): OpDefinition => opList.find(op => op.name === name)!;
  const plansOf = (op: OpDefinition, opCase: OpCase<Attributes>, role: Role, from: GpuLimits): Plan[] =>
    [from, {...from, bindingBytes: 2 ** 27}].map(limits => caseOf(op, opCase, role).plan(limits));

  it('of one query are done without: its keys are not shared out', () => {
    const opCase = attentionCase({B: 1, L: 1, M: 2 ** 17, H: 512, G: 1, Dh: 64});
    const [shared, whole] = plansOf(opOf('memoryAttention'), opCase, 'forward', nvidia);
    expect(names(shared)).to.deep.equal(['memoryAttention', 'memoryAttention joined']);
    expect(largestScratch(shared)[1]).to.be.above(2 ** 25);
    expect(names(whole)).to.deep.equal(['memoryAttention']);
    expect(whole.scratch).to.equal(undefined);
  });

  it('of factors in float16 are done without: attention computes in float32', () => {
    const opCase = attentionCase({B: 16, L: 32768, M: 32768, H: 4, G: 4, Dh: 64});
    for (const role of roles) {
      const [matrices, registers] = plansOf(opOf('memoryAttention'), opCase, role, nvidia);
      expect(names(matrices).join()).to.include('in matrices');
      expect(names(registers).join()).to.not.include('in matrices');
      expect(4 * largestScratch(registers)[1]).to.be.at.most(2 ** 27);
    }
  });

  it('of slices are filled with fewer, of the weights of a gradient', () => {
    const dims = {B: 8, L: 2048, D: 2048, E: 2304};
    const opCase = {name: 'large', dims, attrs: {precision: 'float32'}, use: 'bench'} as const;
    const plans = plansOf(opOf('linear'), opCase, 'backward', nvidia);
    expect(plans.map(({scratch}) => (scratch?.slices ?? 0) / (2048 * 2304))).to.deep.equal([8, 7]);
  });

  it('of states at both ends of chunks are done without where a walk over time needs less', () => {
    const attrs = {deltaSoftplus: true};
    const dims = {B: 1, L: 20_000, E: 1024, N: 16};
    const opCase = {name: 'large', dims, attrs, use: 'bench'} as const;
    const [chunks, walk] = plansOf(opOf('selectiveScan'), opCase, 'backward', nvidia);
    expect(names(chunks)).to.include('selectiveScan chunk adjoints');
    expect(names(walk)).to.include('selectiveScan walk back');
    expect(4 * largestScratch(walk)[1]).to.be.at.most(2 ** 27);
  });

  describe('leave results as they are', function () {
    this.timeout(300_000);
    onPoisonedBuffers();
    const noSlots = ['kFading', 'vFading', 'positions'];
    const seen = {...attention, ...offsets, precision: 'float32'};
    /** Cases that take another form on a device that binds little more than their largest tensor. */
    const changed: readonly (Omit<OpCase<Attributes>, 'name' | 'use'> & {of: string})[] = [
      {
        of: 'memoryAttention',
        dims: {B: 1, L: 1, M: 700, H: 64, G: 1, Dh: 4, C: 1},
        attrs: {...seen, queryOffset: 699},
        omit: noSlots,
      },
    ];
    for (const {of, ...rest} of changed) {
      it(of, async () => {
        const opCase = {...rest, name: 'changed', use: 'test'} as const;
        const both = roles.map(role => caseOf(opOf(of), opCase, role));
        const bindingBytes = 1.1 * Math.max(...both.map(largestTensor));
        const forms = (limits: GpuLimits): unknown => both.map(one => largestScratch(one.plan(limits)));
        const device = {...least, subgroup: 4};
        expect(forms({...device, bindingBytes})).to.not.deep.equal(forms(device));
        webgpuDebug.limits = {bindingBytes};
        await expectParity(opOf(of), opCase, 'kernel');
      });
    }
  });

  describe('on a device that is asked for no limits', function () {
    this.timeout(300_000);
    const name = 'webgpu-least';
    before(async function () {
      await useWebGPUOrSkip(this);
      const {adapter} = await findAdapter();
      const backend = quicken(new WebGPUBackend(await adapter.requestDevice(), adapter.info));
      registerBackend(name, () => backend);
      copyRegisteredKernels('webgpu', name);
      await setBackend(name);
    });
    after(async () => {
      await setBackend('webgpu');
      for (const {kernelName} of getKernelsForBackend(name)) unregisterKernel(kernelName, name);
      removeBackend(name);
    });

    it('attends with one query to more keys than parts of them would fit', async () => {
      const [H, M, Dh] = [4200, 2 ** 16, 4];
      const numbers = (length: number, seed: number): Float32Array =>
        Float32Array.from({length}, (_, i) => Math.sin((i + 1) * seed));
      const [qs, ks, vs] = [numbers(H * Dh, 0.7), numbers(M * Dh, 1.3), numbers(M * Dh, 2.1)];
      const out = tidy(() =>
        memoryAttention(
          {q: tensor(qs, [1, 1, H, Dh]), k: tensor(ks, [1, M, 1, Dh]), v: tensor(vs, [1, M, 1, Dh])},
          {window: 2 ** 20, queryOffset: M - 1},
        ),
      );
      const found = await out.data();
      out.dispose();
      for (const head of [0, H - 1]) {
        const at = (row: Float32Array, i: number): number[] => Array.from(row.subarray(i * Dh, (i + 1) * Dh));
        const query = at(qs, head);
        const weights = Array.from({length: M}, (_, key) =>
          Math.exp(at(ks, key).reduce((sum, value, d) => sum + value * query[d], 0) / Math.sqrt(Dh)),
        );
        const total = weights.reduce((sum, weight) => sum + weight, 0);
        for (let d = 0; d < Dh; d++) {
          const expected = weights.reduce((sum, weight, key) => sum + weight * vs[key * Dh + d], 0) / total;
          expect(found[head * Dh + d]).to.be.closeTo(expected, 1e-4);
        }
      }
    });

    it('refuses tensors that it cannot bind, and goes on', async () => {
      const before = memory().numTensors;
      const x = zeros([1, 9000, 8]) as Tensor3D;
      const wide = zeros([8, 4096]) as Tensor2D;
      const narrow = zeros([8, 16]) as Tensor2D;
      expect(() => linear(x, wide)).to.throw(
        'bmojo: linear on webgpu needs y in one buffer of 141 MiB, and this device binds at most 128 MiB',
      );
      expect(() => tidy(() => x.tile([1, 1, 512]))).to.throw(
        'bmojo: a tensor on webgpu lies in one buffer of 141 MiB',
      );
      const y = linear(x, narrow);
      expect((await y.data()).every(value => value === 0)).to.equal(true);
      for (const one of [x, wide, narrow, y]) one.dispose();
      expect(memory().numTensors).to.equal(before);
    });
  });
});
