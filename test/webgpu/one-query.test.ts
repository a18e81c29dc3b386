// memoryAttention of one query: shared out to enough workgroups by one code for every length, within what every device has, and
// right for heads wider than what a thread reads at a time.

import {tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {MemoryAttentionAttributes} from '../../custom-ops/memory-attention/attributes.js';
import {memoryAttentionOp} from '../../custom-ops/memory-attention/definition.js';
import {memoryAttentionGpu} from '../../custom-ops/memory-attention/kernel.wgsl.js';
import {keyCut} from '../../custom-ops/memory-attention/one-query.wgsl.js';
import type {OpDefinition} from '../../custom-ops/op.js';
import {referenceForward, relativeError, tolerances, toTensors} from '../../custom-ops/parity.js';
import {runOp} from '../../custom-ops/run.js';
import {sampleCase} from '../../custom-ops/sampling.js';
import type {Plan} from '../../custom-ops/wgsl/plan.js';
import {least} from '../support/devices.js';
import {onPoisonedBuffers} from '../support/webgpu.js';

const attrs: MemoryAttentionAttributes = {
  window: 512,
  fading: 'sliding',
  fadingTokens: 0,
  queryOffset: 0,
  firstRow: 0,
  phase: 0,
  precision: 'float32',
};

function planOf(M: number, own: Partial<MemoryAttentionAttributes> = {}): Plan {
  return memoryAttentionGpu.forward({
    dims: {B: 1, L: 1, M, H: 12, G: 12, Dh: 64, C: 1, me: 256},
    attrs: {...attrs, ...own},
    present: new Set(['q', 'k', 'v', 'kFading', 'vFading', 'positions']),
    wanted: new Set(['out', 'logSumExp']),
    limits: least,
  });
}

describe('memoryAttention of one query on webgpu', function () {
  this.timeout(120_000);

  it('shares 64 keys of 256 bytes out to a workgroup of 128 threads, fewer of wider ones', () => {
    const cuts = [1, 2, 4, 16, 18, 32, 64].map(keyCut);
    expect(cuts.map(({keys}) => keys)).to.deep.equal([64, 64, 64, 64, 32, 32, 16]);
    expect(cuts.map(({threads}) => threads)).to.deep.equal([64, 128, 128, 128, 128, 128, 128]);
  });

  it('has a workgroup for each head and 64 keys: of windows, fading and stored tokens', () => {
    const [parts, joined] = planOf(1281).passes;
    expect(parts.workgroups).to.deep.equal([12 * (8 + 8 + 4), 1, 1]);
    expect(joined.workgroups).to.deep.equal([12, 1, 1]);
  });

  it('is one code for any length and any first row', () => {
    const codes = [planOf(300), planOf(5000), planOf(5000, {firstRow: 300, queryOffset: 4999})].map(
      ({passes}) => passes.map(({code}) => code),
    );
    expect(codes[1]).to.deep.equal(codes[0]);
    expect(codes[2]).to.deep.equal(codes[0]);
  });

  describe('of wide heads', () => {
    onPoisonedBuffers(least);
    for (const [Dh, fading] of [
      [70, 'chunk'],
      [136, 'sliding'],
    ] as const)
      it(`is right, ${Dh} wide`, async () => {
        const op = memoryAttentionOp as OpDefinition;
        const dims = {B: 1, L: 1, M: 100, H: 3, G: 1, Dh, me: 9};
        const own = {...attrs, window: 40, fading, fadingTokens: 37, queryOffset: 99, firstRow: 9, phase: 39};
        const sample = sampleCase(op, {name: 'wide', dims, attrs: own, use: 'test'}, 3);
        const expected = referenceForward(sample);
        const inputs = toTensors(sample);
        const found = tidy(() => runOp(op, inputs, sample.attrs));
        for (const name of ['out', 'logSumExp']) {
          const values = await found[name].data();
          expect(relativeError(values, expected[name]), name).to.be.below(tolerances.float32.forward);
        }
        for (const held of [...Object.values(inputs), ...Object.values(found)]) held.dispose();
      });
  });
});
