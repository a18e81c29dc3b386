// Sizes on which narrow and widen are tested and timed, and numbers of all magnitudes.

import type {CaseRandom, Dims, OpCase} from '../op.js';
import type {NarrowAttributes, WidenAttributes} from './attributes.js';
import {narrowFormats, wordsOf} from './attributes.js';

const sizes = {one: 1, odd: 77, 'several blocks': 9002} as const;
const BENCH = 2 ** 20;

export const narrowCases: OpCase<NarrowAttributes>[] = narrowFormats.flatMap(format => [
  ...Object.entries(sizes).map(
    ([name, size]): OpCase<NarrowAttributes> => ({
      name: `${name}, ${format}`,
      dims: {'*': size},
      attrs: {format},
      use: 'test',
    }),
  ),
  {name: `1M, ${format}`, dims: {'*': BENCH}, attrs: {format}, use: 'bench'},
]);

/** What narrow packs is one row; a weight has many. */
export const widenCases: OpCase<WidenAttributes>[] = narrowFormats.flatMap(format => {
  const of = (name: string, D: number, columns: number, use: 'test' | 'bench'): OpCase<WidenAttributes> => ({
    name: `${name}, ${format}`,
    dims: {D, W: wordsOf(columns), E: columns},
    attrs: {format, columns},
    use,
  });
  return [
    ...Object.entries(sizes).map(([name, count]) => of(name, 1, count, 'test')),
    of('odd rows', 5, 83, 'test'),
    of('rows of one', 3, 1, 'test'),
    of('even rows', 7, 300, 'test'),
    of('1M', 1, BENCH, 'bench'),
    of('768 by 3072', 768, 3072, 'bench'),
  ];
});

/** Most are about 1; some are subnormal in float16, some beyond its largest. */
export function sampleNumbers(
  random: CaseRandom,
  _dims: Dims,
  _attrs: NarrowAttributes,
  length: number,
): number[] {
  return Array.from({length}, () => {
    const kind = random.uniform();
    const scale = kind < 0.1 ? 2 ** -20 : kind < 0.2 ? 2 ** 15 : kind < 0.22 ? 2 ** 40 : 1;
    return scale * random.normal();
  });
}

/** Words of finite halves, of which one in eight is subnormal or zero in float16. */
export function sampleWords(
  random: CaseRandom,
  _dims: Dims,
  {format}: WidenAttributes,
  length: number,
): number[] {
  const below = (end: number): number => Math.floor(random.uniform() * end);
  const half = (): number => {
    const exponent = below(8) === 0 ? 0 : 8 + below(10);
    const sign = below(2) << 15;
    if (format === 'float16') return sign | (exponent << 10) | below(1024);
    return exponent === 0 ? sign : sign | ((exponent + 112) << 7) | below(128);
  };
  return Array.from({length}, () => half() | (half() << 16));
}
