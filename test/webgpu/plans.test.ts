// What of a request shapes a kernel's code, seen on plans alone, without a device.

import {expect} from 'chai';
import {causalConv1dGpu} from '../../custom-ops/causal-conv1d/kernel.wgsl.js';
import {walkOf} from '../../custom-ops/causal-conv1d/walk.wgsl.js';
import {exactSearchGpu} from '../../custom-ops/exact-search/kernel.wgsl.js';
import {innovationSelectGpu} from '../../custom-ops/innovation-select/kernel.wgsl.js';
import {memoryAttentionGpu} from '../../custom-ops/memory-attention/kernel.wgsl.js';
import type {Dims} from '../../custom-ops/op.js';
import {retrievedAttentionGpu} from '../../custom-ops/retrieved-attention/kernel.wgsl.js';
import {teamsOf} from '../../custom-ops/rms-norm/kernel.wgsl.js';
import type {SsdScanAttributes} from '../../custom-ops/ssd-scan/attributes.js';
import {NO_MOST} from '../../custom-ops/ssd-scan/attributes.js';
import {ssdScanOp} from '../../custom-ops/ssd-scan/definition.js';
import {ssdScanGpu} from '../../custom-ops/ssd-scan/kernel.wgsl.js';
import type {GpuLimits, Plan} from '../../custom-ops/wgsl/plan.js';
import {least} from '../support/devices.js';

const offsets = {queryOffset: 0, phase: 0};

function selectCode(M: number, capacity: number): string {
  return innovationSelectGpu.forward({
    dims: {B: 1, M, C: 1},
    attrs: {window: 8, capacity, overlap: false, ...offsets},
    present: new Set(['scores']),
    wanted: new Set(['positions']),
    limits: least,
  }).passes[0].code;
}

function attentionCode(M: number): string {
  return memoryAttentionGpu.forward({
    dims: {B: 1, L: 1, M, H: 1, G: 1, Dh: 4, C: 1},
    attrs: {window: 8, fading: 'none', fadingTokens: 0, firstRow: 0, precision: 'float32', ...offsets},
    present: new Set(['q', 'k', 'v']),
    wanted: new Set(['out', 'logSumExp']),
    limits: least,
  }).passes[0].code;
}

function ssdPlans(given: Dims): Plan[] {
  const derived = ssdScanOp.derivedDims ?? {};
  const attrs: SsdScanAttributes = {deltaLeast: 0, deltaMost: NO_MOST, precision: 'float32'};
  const dims = {
    ...given,
    ...Object.fromEntries(Object.entries(derived).map(([name, of]) => [name, of(given, attrs)])),
  };
  const present = new Set(Object.keys(ssdScanOp.inputs));
  const {forward, backward} = ssdScanGpu;
  if (backward === undefined) throw new Error('no gradient');
  return [forward, backward].map(plan => plan({dims, attrs, present, wanted: new Set(), limits: least}));
}

function searchPlan(dims: Dims, own: Partial<GpuLimits> = {}): Plan {
  const attrs = {count: 8, window: 8, ...offsets};
  return exactSearchGpu.forward({
    dims: {R: 8, ...dims},
    attrs,
    present: new Set(['q', 'k']),
    wanted: new Set(['rows', 'scores']),
    limits: {...least, ...own},
  });
}

const names = ({passes}: Plan): string[] => passes.map(({name}) => name);

function retrievedBackward(dims: Dims): Plan {
  const backward = retrievedAttentionGpu.backward;
  if (backward === undefined) throw new Error('no gradient');
  const present = ['q', 'k', 'v', 'rows', 'out', 'logSumExp', 'gradOut', 'gradLogSumExp'];
  const wanted = new Set(['gradQ', 'gradK', 'gradV']);
  return backward({dims, attrs: {}, present: new Set(present), wanted, limits: least});
}

describe('plans of kernels on webgpu', () => {
  it('search by rows where queries are few, in more parts the more rows there are, else by queries', () => {
    const one = {B: 1, L: 1, G: 1, Dh: 64};
    expect(names(searchPlan({...one, N: 500}))).to.deep.equal(['exactSearch parts']);
    const many = searchPlan({...one, N: 1_000_000}, {subgroup: 32});
    expect(names(many)).to.deep.equal(['exactSearch parts', 'exactSearch merge']);
    expect(many.passes[0].workgroups).to.deep.equal([1024, 1, 1]);
    expect(many.scratch).to.deep.equal({partRows: 1024 * 8, partScores: 1024 * 8});
    expect(names(searchPlan({B: 4, L: 1024, N: 1024, G: 1, Dh: 32}))).to.deep.equal([
      'exactSearch by queries',
    ]);
    expect(() => searchPlan({...one, N: 2 ** 24 + 1})).to.throw('exactSearch on webgpu counts at most');
  });

  it('search a stream that grows with few kernels', () => {
    const codes = new Set<string>();
    for (let N = 1; N <= 100_000; N += 999)
      for (const {code} of searchPlan({B: 1, L: 1, N, G: 2, Dh: 64}).passes) codes.add(code);
    expect(codes.size).to.be.at.most(7);
  });

  it('fit the least room of a workgroup, and its bindings', () => {
    const plans = [
      searchPlan({B: 1, L: 1, N: 5000, G: 1, Dh: 64}),
      searchPlan({B: 64, L: 64, N: 64, G: 1, Dh: 256}),
      retrievedBackward({B: 1, L: 8, M: 8, H: 4, G: 2, Dh: 64, R: 4}),
    ];
    for (const {read, write} of plans.flatMap(({passes}) => passes))
      expect(Object.keys({...read, ...write}).length).to.be.at.most(least.storageBuffers);
    const tile = (Dh: number): string => searchPlan({B: 64, L: 64, N: 64, G: 1, Dh}).passes[0].code;
    expect(tile(64)).to.include('array<array<vec4f, 16>, 64>');
    expect(tile(256)).to.include('array<array<vec4f, 64>, 16>');
  });

  it('bring the places that name each row into order, one workgroup for each sequence and group', () => {
    const {passes, scratch} = retrievedBackward({B: 3, L: 8, M: 10, H: 4, G: 2, Dh: 16, R: 5});
    expect(names({passes})).to.deep.equal([
      'retrievedAttention products of output and cotangent',
      'retrievedAttention gradients of queries',
      'retrievedAttention order of places',
      'retrievedAttention gradients of rows',
    ]);
    expect(passes[2].workgroups).to.deep.equal([6, 1, 1]);
    expect(passes[3].workgroups).to.deep.equal([3 * 10 * 2, 1, 1]);
    expect(scratch?.starts).to.equal(6 * 11);
    expect(scratch?.order).to.equal(6 * 40);
  });

  it('walk over longer stretches of a convolution the more channels there are, in vectors while registers last', () => {
    const walk = (B: number, L: number, E: number, K: number): unknown => {
      const {type, tokens, stretches} = walkOf({B, L, E, K});
      return [type, tokens, stretches];
    };
    expect(walk(8, 2048, 1536, 4)).to.deep.equal(['vec4f', 32, 64]);
    expect(walk(8, 2048, 4096, 4)).to.deep.equal(['vec4f', 64, 32]);
    expect(walk(8, 2048, 1534, 4)).to.deep.equal(['f32', 64, 32]);
    expect(walk(1, 100, 256, 4)).to.deep.equal(['vec4f', 8, 13]);
    expect(walk(1, 100, 256, 9)).to.deep.equal(['f32', 8, 13]);
  });

  it('hold a token of a norm in the lanes of a team, by few vectors each', () => {
    const teams = (rows: number, D: number): unknown => Object.values(teamsOf({B: 1, L: rows, D}));
    expect(teams(16384, 768), 'lanes, vectors, tokens at a time, turns').to.deep.equal([32, 6, 8, 8]);
    expect(teams(16384, 2048)).to.deep.equal([64, 8, 4, 16]);
    expect(teams(100, 13)).to.deep.equal([4, 1, 64, 1]);
    expect(teams(100, 20_000)).to.deep.equal([256, 20, 1, 1]);
  });

  it('read a convolution once for all its gradients', () => {
    const {passes, scratch} = causalConv1dGpu.backward!({
      dims: {B: 8, L: 2048, E: 1536, K: 4},
      attrs: {activation: 'silu'},
      present: new Set(['x', 'weight', 'bias']),
      wanted: new Set(),
      limits: least,
    });
    expect(names({passes})).to.deep.equal(['causalConv1d gradients', 'causalConv1d gradient of weight']);
    expect(scratch).to.deep.equal({parts: 8 * 64 * 5 * 1536});
  });

  it("take the cotangent of attention's normaliser only where there is one", () => {
    const first = (present: string[]): string => {
      const plan = memoryAttentionGpu.backward?.({
        dims: {B: 1, L: 4, M: 4, H: 1, G: 1, Dh: 4, C: 1},
        attrs: {window: 8, fading: 'none', fadingTokens: 0, firstRow: 0, precision: 'float32', ...offsets},
        present: new Set(['q', 'k', 'v', 'out', 'logSumExp', 'gradOut', ...present]),
        wanted: new Set(['gradQ', 'gradK', 'gradV']),
        limits: least,
      });
      return plan?.passes[0].code ?? '';
    };
    expect(first([])).to.include('outDots[row] = total;');
    expect(first(['gradLogSumExp'])).to.include('outDots[row] = total - gradLogSumExp[row];');
  });

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
    const ssdNames = (dims: Dims): string[] => ssdPlans(dims).flatMap(names);
    const sizes = {B: 1, H: 32, P: 64, G: 1, N: 128};
    expect(ssdNames({...sizes, L: 8})).to.include('ssdScan token by token');
    expect(ssdNames({...sizes, L: 9}))
      .to.include('ssdScan outputs')
      .and.not.include('ssdScan token by token');
    expect(ssdNames({...sizes, L: 64})).to.include('ssdScan gradB from parts');
    expect(ssdNames({...sizes, L: 64, G: 32})).to.not.include('ssdScan gradB from parts');
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
