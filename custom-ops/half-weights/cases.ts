// Shapes on which products and rows of halves are tested and timed: both formats, odd rows, sizes that no vector divides.

import type {CaseRandom, Dims, OpCase} from '../op.js';
import type {HalfAttributes} from './attributes.js';

const formats = ['float16', 'bfloat16'] as const;

/** One case for each format; `columns` is the size of the weight's rows. */
function inFormats(name: string, dims: Dims, columns: number, rest: Partial<OpCase<HalfAttributes>> = {}) {
  return formats.map(
    (format): OpCase<HalfAttributes> => ({
      name: `${name}, ${format}`,
      dims,
      attrs: {format, columns},
      use: 'test',
      ...rest,
    }),
  );
}

/** D and E are alike where both layouts of the weight share a case. */
const product = (name: string, B: number, L: number, size: number, rest?: Partial<OpCase<HalfAttributes>>) =>
  inFormats(name, {B, L, D: size, E: size}, size, rest);

const omit = ['bias'];

export const productCases: OpCase<HalfAttributes>[] = [
  ...product('one', 1, 1, 1),
  ...product('odd', 1, 1, 37),
  ...product('two words to spare', 3, 1, 70, {omit}),
  ...product('five rows', 1, 5, 84),
  ...product('eight rows', 2, 4, 259),
  ...product('B1 L1 768', 1, 1, 768, {omit, use: 'bench'}),
];

export const lookupCases: OpCase<HalfAttributes>[] = [
  ...inFormats('one', {V: 1, D: 1, B: 1, L: 1}, 1),
  ...inFormats('odd', {V: 11, D: 13, B: 2, L: 7}, 13),
  ...inFormats('repeated ids', {V: 3, D: 72, B: 3, L: 63}, 72),
  ...inFormats('V4096 D768 B1 L64', {V: 4096, D: 768, B: 1, L: 64}, 768, {use: 'bench'}),
];

/**
 * Words of two finite halves. One in eight is subnormal or zero in float16, the exponents of others reach to its largest, most
 * being about 1.
 */
export function sampleWords(
  random: CaseRandom,
  _dims: Dims,
  {format}: HalfAttributes,
  length: number,
): number[] {
  const below = (end: number): number => Math.floor(random.uniform() * end);
  const half = (): number => {
    const sign = below(2) << 15;
    const kind = below(32);
    const exponent = kind < 4 ? 0 : kind === 4 ? 1 + below(16) : 12 + below(4);
    if (format === 'float16') return sign | (exponent << 10) | below(1024);
    return sign | ((exponent === 0 ? 0 : exponent + 112) << 7) | (exponent === 0 ? 0 : below(128));
  };
  return Array.from({length}, () => half() | (half() << 16));
}

export function sampleIds(random: CaseRandom, {V}: Dims, _attrs: HalfAttributes, length: number): number[] {
  return Array.from({length}, () => Math.floor(random.uniform() * V));
}
