// What of a request shapes a kernel's code, seen on plans alone, without a device.

import {expect} from 'chai';
import {innovationSelectGpu} from '../../custom-ops/innovation-select/kernel.wgsl.js';
import {memoryAttentionGpu} from '../../custom-ops/memory-attention/kernel.wgsl.js';
import type {Dims} from '../../custom-ops/op.js';
import {NO_MOST} from '../../custom-ops/ssd-scan/attributes.js';
import {ssdScanOp} from '../../custom-ops/ssd-scan/definition.js';
import {ssdScanGpu} from '../../custom-ops/ssd-scan/kernel.wgsl.js';
import type {GpuLimits, Plan} from '../../custom-ops/wgsl/plan.js';

const limits: GpuLimits = {
  invocations: 256,
  workgroupBytes: 16384,
  storageBuffers: 8,
  workgroups: 65535,
  subgroup: 0,
};
const offsets = {queryOffset: 0, phase: 0};

function selectCode(M: number, capacity: number): string {
  return innovationSelectGpu.forward({
    dims: {B: 1, M, C: 1},
    attrs: {window: 8, capacity, overlap: false, ...offsets},
    present: new Set(['scores']),
    wanted: new Set(['positions']),
    limits,
  }).passes[0].code;
}

function attentionCode(M: number): string {
  return memoryAttentionGpu.forward({
    dims: {B: 1, L: 1, M, H: 1, G: 1, Dh: 4, C: 1},
    attrs: {window: 8, fading: 'none', fadingTokens: 0, firstRow: 0, ...offsets},
    present: new Set(['q', 'k', 'v']),
    wanted: new Set(['out', 'logSumExp']),
    limits,
  }).passes[0].code;
}

function ssdPlans(given: Dims): Plan[] {
  const derived = ssdScanOp.derivedDims ?? {};
  const attrs = {deltaLeast: 0, deltaMost: NO_MOST};
  const dims = {
    ...given,
    ...Object.fromEntries(Object.entries(derived).map(([name, of]) => [name, of(given, attrs)])),
  };
  const present = new Set(Object.keys(ssdScanOp.inputs));
  const {forward, backward} = ssdScanGpu;
  if (backward === undefined) throw new Error('no gradient');
  return [forward, backward].map(plan => plan({dims, attrs, present, wanted: new Set(), limits}));
}

describe('plans of kernels on webgpu', () => {
  it('are the same code for any number of rows', () => {
    expect(selectCode(50, 64)).to.equal(selectCode(500, 64));
    expect(attentionCode(5)).to.equal(attentionCode(500));
  });

  it('scan chunks within 8 bindings, and keep no state for a token', () => {
    const sizes = {B: 8, L: 2048, H: 32, P: 64, G: 1, N: 128};
    for (const {passes, scratch = {}} of ssdPlans(sizes)) {
      for (const {name, read, write} of passes)
        expect(Object.keys({...read, ...write}).length, name).to.be.at.most(8);
      expect(Math.max(...Object.values(scratch))).to.be.at.most((8 * 2048 * 32 * 64 * 128) / 64);
    }
  });

  it('scan few tokens one by one, and cut heads into parts where there are few groups', () => {
    const names = (dims: Dims): string[] =>
      ssdPlans(dims).flatMap(({passes}) => passes.map(({name}) => name));
    const sizes = {B: 1, H: 32, P: 64, G: 1, N: 128};
    expect(names({...sizes, L: 8})).to.include('ssdScan token by token');
    expect(names({...sizes, L: 9}))
      .to.include('ssdScan outputs')
      .and.not.include('ssdScan token by token');
    expect(names({...sizes, L: 64})).to.include('ssdScan gradB from parts');
    expect(names({...sizes, L: 64, G: 32})).to.not.include('ssdScan gradB from parts');
  });

  it('keep no more slots than rows where the workgroup has no room for all', () => {
    expect(selectCode(50, 5000)).to.include('array<Entry, 50>');
    expect(() => selectCode(5000, 5000)).to.throw('5000 slots need 82048 bytes of workgroup memory');
  });

  it('refuse more rows than a uniform counts', () => {
    const most = 2 ** 24;
    expect(selectCode(most, 4)).to.equal(selectCode(4, 4));
    expect(() => selectCode(most + 1, 4)).to.throw('innovationSelect on webgpu counts at most 16777216 rows');
    expect(() => attentionCode(most + 1)).to.throw('memoryAttention on webgpu counts at most 16777216 rows');
  });
});
