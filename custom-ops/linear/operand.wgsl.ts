// A factor of a product and how blocks of 4 by 4 of its numbers come from memory into a tile: four vectors along whichever
// dimension lies together there, turned in registers where that is not the one in which the tile wants them.

import type {ElementType} from '../wgsl/plan.js';

export interface Operand {
  /** WGSL names of its tile and its buffer. */
  readonly tile: string;
  readonly name: string;
  /** Stored [across, inner] rather than [inner, across]. */
  readonly alongInner: boolean;
  /** WGSL name of the first row or column of the block. */
  readonly first: string;
  /** Rows of a or columns of b. */
  readonly across: number;
  readonly inner: number;
  /** Rows or columns of a tile, how far it reaches along the inner dimension, and the threads that share it. */
  readonly width: number;
  readonly depth: number;
  readonly threads: number;
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
function loadBlock(operand: Operand, target: (i: number) => string): string {
  const {name, alongInner, first, across, inner, width, depth} = operand;
  const stride = strideOf(operand);
  const isWhole = inner % depth === 0;
  const within = (value: string, zero: string, k: string): string =>
    isWhole ? value : `select(${zero}, ${value}, ${k} < stop)`;
  const place = (i: number): string =>
    across % width === 0 ? `start + ${i}u` : `min(start + ${i}u, ${across - 1}u)`;
  const lines: string[] = [];
  if (stride % 4 !== 0) {
    for (const i of four) {
      const items = four.map(j => {
        const at = alongInner
          ? `(${place(j)}) * ${stride}u + k + ${i}u`
          : `(k + ${i}u) * ${stride}u + ${place(j)}`;
        return within(`${name}[${at}]`, '0.0', `k + ${i}u`);
      });
      lines.push(`${target(i)} = vec4f(${items.join(', ')});`);
    }
  } else if (alongInner) {
    for (const i of four) {
      const value = `${name}[(${place(i)}) * ${stride / 4}u + k / 4u]`;
      lines.push(`let line${i} = ${within(value, 'vec4f()', 'k')};`);
    }
    for (const i of four)
      lines.push(`${target(i)} = vec4f(${four.map(j => `line${j}.${'xyzw'[i]}`).join(', ')});`);
  } else {
    lines.push(
      `let at = ${across % width === 0 ? 'start / 4u' : `min(start / 4u, ${across / 4 - 1}u)`};`,
      ...four.map(
        i =>
          `${target(i)} = ${within(`${name}[(k + ${i}u) * ${stride / 4}u + at]`, 'vec4f()', `k + ${i}u`)};`,
      ),
    );
  }
  return `
    let k = begin + 4u * depthQuad;
    let start = ${first} + 4u * quad;
    ${lines.join('\n    ')}`;
}

export interface Carrier {
  /** WGSL of the variables that hold the blocks of a thread. */
  readonly declare: string;
  /** From memory, at `begin` of the inner dimension, into them. */
  readonly load: string;
  /** From them into the tiles. */
  readonly store: string;
}

/**
 * How `threads` bring the next tiles of both factors: each has so many blocks in turn, those of a before those of b. `stored` makes
 * WGSL of a tile's element from a vec4f.
 */
export function carrier(a: Operand, b: Operand, threads: number, stored: (value: string) => string): Carrier {
  const blocksOf = ({width, depth}: Operand): number => (width / 4) * (depth / 4);
  const ofA = blocksOf(a);
  const total = ofA + blocksOf(b);
  const turns = Array.from({length: Math.ceil(total / threads)}, (_, turn) => turn);
  const held = (turn: number) => (i: number) => `held${turn}_${i}`;
  // Eight neighbours across and all of the depth: whole sectors of memory, and no two in one bank of the tile.
  const inTurn = (turn: number, body: (operand: Operand) => string): string => {
    const first = turn * threads;
    const block = (operand: Operand, index: string): string => `{
    let block = ${index};
    let quad = block % 8u + 8u * (block / ${2 * operand.depth}u);
    let depthQuad = (block / 8u) % ${operand.depth / 4}u;${body(operand)}
  }`;
    const left = block(a, `local + ${first}u`);
    const right = block(b, `local + ${first}u - ${ofA}u`);
    const idle = first + threads > total ? `if (local < ${total - first}u) ` : '';
    if (first + threads <= ofA) return left;
    return first >= ofA ? `${idle}${right}` : `if (local < ${ofA - first}u) ${left} else ${idle}${right}`;
  };
  return {
    declare: turns.map(turn => four.map(i => `var ${held(turn)(i)} = vec4f();`).join(' ')).join('\n  '),
    load: turns.map(turn => inTurn(turn, operand => loadBlock(operand, held(turn)))).join('\n  '),
    store: turns
      .map(turn =>
        inTurn(
          turn,
          ({tile, threads: sharing}) => `
    ${four.map(i => `${tile}[4u * depthQuad + ${i}u][quad / ${sharing}u][quad % ${sharing}u] = ${stored(held(turn)(i))};`).join('\n    ')}`,
        ),
      )
      .join('\n  '),
  };
}
