// Numbers of weights in half of the bytes: each the nearest there is, found here by arithmetic instead of by bits.

import {expect} from 'chai';
import {randomStream} from '../../data/random.js';
import type {WeightDType} from '../../formats/weight-dtype.js';
import {firstBeyond, narrow, weightWidths, widen} from '../../formats/weight-dtype.js';

/** Significant bits, the exponent of the least step, and the largest finite number. */
const formats = {
  float16: {bits: 11, least: -24, largest: 65504},
  bfloat16: {bits: 8, least: -133, largest: (2 - 2 ** -7) * 2 ** 127},
} as const;

function roundEven(value: number): number {
  const below = Math.floor(value);
  const rest = value - below;
  return rest > 0.5 || (rest === 0.5 && below % 2 !== 0) ? below + 1 : below;
}

/** Of a magnitude, since rounding keeps the sign, that of zero too. */
function nearest(value: number, {bits, least}: {bits: number; least: number}): number {
  if (value === 0) return value;
  // A logarithm may round up to the next power of two.
  let exponent = Math.floor(Math.log2(value));
  if (2 ** exponent > value) exponent--;
  const step = 2 ** Math.max(exponent - bits + 1, least);
  return roundEven(value / step) * step;
}

const through = (numbers: Float32Array<ArrayBuffer>, dtype: WeightDType): Float32Array =>
  widen(narrow(numbers, dtype), dtype);

/** Numbers of every magnitude that a format has, its ties and the numbers beside them. */
function samples({
  bits,
  least,
  largest,
}: (typeof formats)['float16' | 'bfloat16']): Float32Array<ArrayBuffer> {
  const random = randomStream([17, 1], bits);
  const drawn = Array.from({length: 20_000}, () => {
    const exponent = least - 2 + random.uniform() * (Math.log2(largest) - least + 2);
    return Math.min(2 ** exponent, largest) * (random.uniform() < 0.5 ? -1 : 1);
  });
  const ties = Array.from({length: 2000}, (_, i) => (i + 0.5) * 2 ** least).flatMap(tie => [
    tie,
    -tie,
    tie * (1 + 2 ** -20),
    tie * (1 - 2 ** -20),
    tie * 2 ** 24,
  ]);
  return Float32Array.from([0, -0, largest, -largest, 2 ** least, ...drawn, ...ties]);
}

for (const dtype of ['float16', 'bfloat16'] as const) {
  describe(`weights in ${dtype}`, () => {
    const format = formats[dtype];

    it('are the nearest numbers, ties to even, in half of the bytes', () => {
      const numbers = samples(format);
      expect(narrow(numbers, dtype).length).to.equal(weightWidths[dtype] * numbers.length);
      const found = through(numbers, dtype);
      const expected = Array.from(numbers, value =>
        value < 0 || Object.is(value, -0) ? -nearest(-value, format) : nearest(value, format),
      );
      const wrong = found.findIndex((value, i) => !Object.is(value, Math.fround(expected[i])));
      expect(wrong, `${numbers[wrong]} became ${found[wrong]}, not ${expected[wrong]}`).to.equal(-1);
      expect(through(Float32Array.from(found), dtype), 'rounded once for all').to.deep.equal(found);
    });

    it('have every code back as it was, infinities and NaN too', () => {
      const codes = Uint16Array.from({length: 65536}, (_, i) => i);
      const numbers = widen(new Uint8Array(codes.buffer), dtype);
      expect(numbers.filter(value => value === Infinity).length).to.equal(1);
      expect(numbers.filter(value => value === -Infinity).length).to.equal(1);
      const codesOfNone = 2 * (2 ** (format.bits - 1) - 1);
      expect(numbers.filter(Number.isNaN).length).to.equal(codesOfNone);
      const finite = codes.filter(code => Number.isFinite(numbers[code]));
      const again = new Uint16Array(narrow(numbers.filter(Number.isFinite), dtype).buffer);
      expect(again).to.deep.equal(finite);
      expect(Math.max(...numbers.filter(Number.isFinite))).to.equal(format.largest);
    });

    it('have a place for what rounds to the largest, and say of the first beyond that they have none', () => {
      const end = format.largest + 2 ** (Math.floor(Math.log2(format.largest)) - format.bits);
      const last = new Float32Array(1);
      last[0] = end;
      const bits = new Uint32Array(last.buffer);
      expect(firstBeyond(Float32Array.of(1, -end, end), dtype)).to.equal(-end);
      bits[0]--;
      expect(firstBeyond(last, dtype)).to.equal(undefined);
      expect(through(last, dtype)[0]).to.equal(format.largest);
    });
  });
}

describe('weights in float32', () => {
  it('stay where they are', () => {
    const numbers = Float32Array.of(1, 3.4e38, 1e-45);
    expect(narrow(numbers, 'float32').buffer).to.equal(numbers.buffer);
    expect(widen(narrow(numbers, 'float32'), 'float32')).to.deep.equal(numbers);
    expect(firstBeyond(numbers, 'float32')).to.equal(undefined);
  });
});
