// What products and rows of halves are held against: those of the same numbers in float32, bit for bit.

import type {Rank, Tensor, Tensor2D} from '@tensorflow/tfjs-core';
import {tensor, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {
  embeddingLookup,
  embeddingLookupHalf,
  linear,
  linearHalf,
  linearTransposed,
  linearTransposedHalf,
  widen as widenWords,
} from '../../custom-ops/index.js';
import {seededRandom} from '../../custom-ops/sampling.js';
import type {HalfDType} from '../../formats/weight-dtype.js';
import {narrow, widen, wordsOfHalves, wordsOfRow} from '../../formats/weight-dtype.js';

const random = seededRandom(3);
const draw = (length: number, deviation: number): Float32Array<ArrayBuffer> =>
  Float32Array.from({length}, () => deviation * random.normal());

/** Weights as trained models have them: normal, of which some are subnormal halves; and 0, and float16's largest. */
function weightOf(rows: number, columns: number, format: HalfDType): {words: Tensor2D; wide: Tensor2D} {
  const numbers = draw(rows * columns, 0.02);
  for (const [i, value] of [0, 65504, -65504, 2 ** -24, -(2 ** -14)].entries())
    if (i < numbers.length) numbers[i] = value;
  const bytes = narrow(numbers, format);
  const words = wordsOfHalves(new Uint16Array(bytes.buffer), columns);
  return {
    words: tensor<Rank.R2>(words, [rows, wordsOfRow(columns)], 'int32'),
    wide: tensor<Rank.R2>(widen(bytes, format), [rows, columns]),
  };
}

/** Whether all numbers are the same to the bit, but for zeros, which have two codes. */
async function expectSame(found: Tensor, expected: Tensor): Promise<void> {
  expect(found.shape).to.deep.equal(expected.shape);
  const [one, other] = [await found.data(), await expected.data()];
  for (let i = 0; i < one.length; i++)
    if (one[i] !== other[i]) expect(one[i], `number ${i} of ${one.length}`).to.equal(other[i]);
}

/** `rows`: numbers of rows that linear sums as its kernels for a few rows do. */
export function halfLaws(rows: readonly number[]): void {
  for (const format of ['float16', 'bfloat16'] as const)
    for (const columns of [1, 64, 75, 331])
      it(`${format}, ${columns} to a row: the numbers and rows of the weight, and its products`, async () => {
        const {words, wide} = weightOf(41, columns, format);
        const options = {format, columns};
        await expectSame(widenWords(words, options), wide);
        const ids = tensor<Rank.R2>([40, 0, 0, 17], [2, 2], 'int32');
        await expectSame(embeddingLookupHalf(words, ids, options), embeddingLookup(wide, ids));
        for (const L of rows) {
          const [down, up] = [41, columns].map(D => tensor<Rank.R3>(draw(L * D, 1), [1, L, D]));
          const bias = tensor<Rank.R1>(draw(columns, 1));
          await expectSame(linearHalf(down, words, bias, options), linear(down, wide, bias));
          await expectSame(linearTransposedHalf(up, words, undefined, options), linearTransposed(up, wide));
        }
      });

  it('more than eight rows are refused', () => {
    tidy(() => {
      const {words} = weightOf(4, 6, 'float16');
      const x = tensor<Rank.R3>(draw(36, 1), [3, 3, 4]);
      expect(() => linearHalf(x, words, undefined, {format: 'float16', columns: 6})).to.throw(
        'linearHalf: x must be of at most 8 rows, B L, got [3, 3]',
      );
    });
  });
}
