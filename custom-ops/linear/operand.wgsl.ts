// A factor of a product and how blocks of 4 by 4 of its numbers come from memory: four vectors along whichever dimension
// lies together there, turned in registers where that is not the one in which the tile wants them.

import type {ElementType} from '../wgsl/plan.js';

export interface Operand {
  readonly side: 'A' | 'B';
  readonly name: string;
  /** Stored [across, inner] rather than [inner, across]. */
  readonly alongInner: boolean;
  /** WGSL name of the first row or column of the block. */
  readonly first: string;
  /** Rows of a or columns of b. */
  readonly across: number;
  readonly inner: number;
  /** Rows or columns of a tile. */
  readonly tile: number;
  /** Threads along them. */
  readonly threads: number;
  /** Whether the inner dimension divides into tiles. */
  readonly whole: boolean;
}

const four = [0, 1, 2, 3];

function strideOf({alongInner, inner, across}: Operand): number {
  return alongInner ? inner : across;
}

/** Rows in memory that divide into vectors are read as such. */
export function operandType(operand: Operand): ElementType {
  return strideOf(operand) % 4 === 0 ? 'vec4f' : 'f32';
}

/**
 * WGSL that assigns numbers begin + 4 depthQuad .. + 3 of the inner dimension to `target(0 .. 3)`, each for the four rows
 * (or columns) of `quad`. Zero beyond `stop`; rows beyond the last repeat it: their results are never stored.
 */
export function loadBlock(operand: Operand, target: (i: number) => string): string {
  const {name, alongInner, first, across, tile, whole} = operand;
  const stride = strideOf(operand);
  const cut = across % tile !== 0;
  const place = (i: number): string => (cut ? `min(start + ${i}u, ${across - 1}u)` : `start + ${i}u`);
  const begin = `
    let k = begin + 4u * depthQuad;
    let start = ${first} + 4u * quad;`;
  if (stride % 4 !== 0) {
    const item = (i: number, j: number): string => {
      const at = alongInner ? `(${place(j)}) * ${stride}u + k + ${i}u` : `(k + ${i}u) * ${stride}u + ${place(j)}`;
      return whole ? `${name}[${at}]` : `select(0.0, ${name}[${at}], k + ${i}u < stop)`;
    };
    return `${begin}
    ${four.map(i => `${target(i)} = vec4f(${four.map(j => item(i, j)).join(', ')});`).join('\n    ')}`;
  }
  if (alongInner) {
    const line = (i: number): string => {
      const value = `${name}[(${place(i)}) * ${stride / 4}u + k / 4u]`;
      return whole ? value : `select(vec4f(), ${value}, k < stop)`;
    };
    return `${begin}
    ${four.map(i => `let line${i} = ${line(i)};`).join('\n    ')}
    ${four.map(i => `${target(i)} = vec4f(${four.map(j => `line${j}.${'xyzw'[i]}`).join(', ')});`).join('\n    ')}`;
  }
  const quad = cut ? `min(start / 4u, ${across / 4 - 1}u)` : 'start / 4u';
  const line = (i: number): string => {
    const value = `${name}[(k + ${i}u) * ${stride / 4}u + at]`;
    return whole ? value : `select(vec4f(), ${value}, k + ${i}u < stop)`;
  };
  return `${begin}
    let at = ${quad};
    ${four.map(i => `${target(i)} = ${line(i)};`).join('\n    ')}`;
}
