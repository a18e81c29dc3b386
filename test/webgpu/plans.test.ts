// What of a request shapes a kernel's code, seen on plans alone, without a device.

import {expect} from 'chai';
import {innovationSelectGpu} from '../../custom-ops/innovation-select/kernel.wgsl.js';
import {memoryAttentionGpu} from '../../custom-ops/memory-attention/kernel.wgsl.js';
import type {GpuLimits} from '../../custom-ops/wgsl/plan.js';

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

describe('plans of kernels on webgpu', () => {
  it('are the same code for any number of rows', () => {
    expect(selectCode(50, 64)).to.equal(selectCode(500, 64));
    expect(attentionCode(5)).to.equal(attentionCode(500));
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
