// Values that are NaN or infinite reach the queries that see them, and no others: neither earlier ones of their block nor those
// behind their window.

import {expect} from 'chai';
import type {MemoryAttentionAttributes} from '../../custom-ops/memory-attention/attributes.js';
import type {OpCase} from '../../custom-ops/op.js';
import {squareUnit} from '../support/devices.js';
import {withMatrixUnits} from '../support/emulated-matrices.js';
import {expectSeen, seenCases} from '../support/seen-values.js';
import {onPoisonedBuffers} from '../support/webgpu.js';

describe('values that are no numbers, in attention on webgpu', function () {
  this.timeout(300_000);
  onPoisonedBuffers();

  for (const opCase of seenCases)
    it(`reach those who see them: ${opCase.name}`, () => expectSeen(opCase, 'float32'));

  it('reach those who see them on matrix units', async () => {
    const opCase: OpCase<MemoryAttentionAttributes> = {
      name: 'matrices',
      dims: {B: 1, L: 100, M: 100, H: 2, G: 1, Dh: 32, me: 5},
      attrs: {
        ...{window: 40, fading: 'sliding', fadingTokens: 0, firstRow: 0, queryOffset: 0, phase: 0},
        precision: 'float16',
      },
      use: 'test',
    };
    const made = await withMatrixUnits([squareUnit], () => expectSeen(opCase, 'float16'), {
      workgroupBytes: 16384,
    });
    expect(made, 'the walk and its factors').to.equal(2);
  });
});
