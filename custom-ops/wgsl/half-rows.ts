// Rows of halves, two to a word, the earlier one in the lower bits; a row begins at a word.

import type {Rows} from './rows.js';
import {quadsOf} from './rows.js';

/** Formats of 16 bits in which numbers lie in memory. */
export type HalfFormat = 'float16' | 'bfloat16';

/** A matrix of finite halves as a pass sees it: `width` numbers to a row. */
export interface HalfRows extends Pick<Rows, 'name' | 'width' | 'reach'> {
  readonly format: HalfFormat;
}

/** Words that hold a row. */
export function wordsOf(width: number): number {
  return Math.ceil(width / 2);
}

/** Element type in which rows of halves are best bound. */
export function halfType(width: number): 'u32' | 'vec2u' {
  return wordsOf(width) % 2 === 0 ? 'vec2u' : 'u32';
}

/** WGSL of the vec2f of a word, `word` being WGSL of a u32. */
export function widened(word: string, format: HalfFormat): string {
  if (format === 'float16') return `unpack2x16float(${word})`;
  return `bitcast<vec2f>(vec2u(${word} << 16u, ${word} & 0xffff0000u))`;
}

/**
 * WGSL of a vec4f, the `quad`-th of a row. Beyond the row's end stand finite numbers of no meaning. `row` and `quad` are WGSL
 * of u32.
 */
export function loadHalves4(
  {name, width, reach = quadsOf(width), format}: HalfRows,
  row: string,
  quad: string,
): string {
  const words = wordsOf(width);
  const size = halfType(width) === 'vec2u' ? 2 : 1;
  const elements = words / size;
  const at = (element: string): string => {
    const isWhole = reach * (2 / size) <= elements;
    return `${name}[(${row}) * ${elements}u + ${isWhole ? element : `min(${element}, ${elements - 1}u)`}]`;
  };
  const pair =
    size === 2 ? [`${at(quad)}.x`, `${at(quad)}.y`] : [at(`2u * ${quad}`), at(`2u * ${quad} + 1u`)];
  return `vec4f(${pair.map(word => widened(word, format)).join(', ')})`;
}
