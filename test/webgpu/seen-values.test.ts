// Values that are NaN or infinite reach the queries that see them, and no others: neither earlier ones of their block nor those
// behind their window.

import {expect} from 'chai';
import type {MemoryAttentionAttributes} from '../../custom-ops/memory-attention/attributes.js';
import {memoryAttentionOp} from '../../custom-ops/memory-attention/definition.js';
import type {OpCase, OpDefinition} from '../../custom-ops/op.js';
import {referenceForward, runOnBackend, tolerances} from '../../custom-ops/parity.js';
import type {Precision} from '../../custom-ops/precision.js';
import {sampleCase} from '../../custom-ops/sampling.js';
import {squareUnit} from '../support/devices.js';
import {withMatrixUnits} from '../support/emulated-matrices.js';
import {onPoisonedBuffers} from '../support/webgpu.js';

const op = memoryAttentionOp as OpDefinition;

/** What breaks values of some rows: a number of the row's in one group, and what it becomes. */
const broken: readonly [row: (rows: number) => number, d: number, value: number][] = [
  [rows => Math.floor(rows / 3), 1, Number.NaN],
  [rows => Math.floor(rows / 2), 2, Number.POSITIVE_INFINITY],
  [rows => rows - 2, 0, Number.NEGATIVE_INFINITY],
];

async function expectSeen(opCase: OpCase<MemoryAttentionAttributes>, precision: Precision): Promise<void> {
  const attrs = {...opCase.attrs, precision};
  const sample = sampleCase(op, {...opCase, attrs}, 3);
  const {B, M, G, Dh} = sample.dims;
  for (const name of ['v', 'vFading'].filter(one => one in sample.inputs)) {
    for (const [row, d, value] of broken)
      for (let b = 0; b < B; b++) sample.inputs[name][((b * M + row(M)) * G + G - 1) * Dh + d] = value;
  }
  const {results} = await runOnBackend(sample, 'kernel', [], false);
  const expected = referenceForward(sample);
  const isNumber = Array.from(expected.out, Number.isFinite);
  expect(isNumber.filter(finite => !finite).length, 'sums of broken values').to.be.above(2);
  expect(isNumber.filter(finite => finite).length, 'others').to.be.above(isNumber.length / 2);
  const {forward} = tolerances[precision];
  isNumber.forEach((finite, i) => {
    if (!finite) expect(results.out[i], `number ${i}`).to.deep.equal(expected.out[i]);
    else expect(results.out[i], `number ${i}`).to.be.closeTo(expected.out[i], 20 * forward);
  });
  expect(Array.from(results.logSumExp).every(Number.isFinite)).to.equal(true);
}

describe('values that are no numbers, in attention on webgpu', function () {
  this.timeout(300_000);
  onPoisonedBuffers();

  for (const name of [
    'L37 grouped',
    'L63 w7',
    'chunk fading',
    'stream',
    'full attention by a window without end',
  ]) {
    it(`reach those who see them: ${name}`, () => {
      const opCase = memoryAttentionOp.cases.find(one => one.name === name);
      return expectSeen(opCase!, 'float32');
    });
  }

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
