// Products of blocks in registers, of float32 or factors rounded to float16: 64 threads with 8 by 8 numbers each, tiles of both factors in workgroup memory.

import type {Precision} from '../precision.js';
import {roundedToHalf} from '../wgsl/halves.js';
import type {GpuLimits} from '../wgsl/plan.js';
import {steps} from '../wgsl/steps.js';
import type {Factor, Sums} from './blocks.wgsl.js';
import {BLOCK, Blocks, count} from './blocks.wgsl.js';

/** How far a tile reaches along the inner dimension. */
const DEPTH = 16;
/** Numbers of a side of what a thread owns, and threads of a side. */
const OWN = 8;
const SIDE = BLOCK / OWN;

const four = [0, 1, 2, 3];

/** WGSL of the line, and the four numbers of it, that is a thread's `i`-th. */
function placeOf({alongInner, first}: Factor, i: number): string {
  return alongInner
    ? `${first} + 4u * quad + ${i}u, begin / 4u + depthQuad`
    : `begin + 4u * depthQuad + ${i}u, ${first} / 4u + quad`;
}

function load(factor: Factor, held: string): string {
  return four.map(i => `${held}${i} = ${factor.fetched}(${placeOf(factor, i)});`).join(' ');
}

function store(factor: Factor, held: string, tile: string, rounded: (value: string) => string): string {
  const made = (i: number): string => `${factor.made}(${placeOf(factor, i)}, ${held}${i})`;
  const lines = four.map(i => `let line${i} = ${rounded(made(i))};`);
  const values = four.map(i =>
    factor.alongInner ? `vec4f(${four.map(j => `line${j}[${i}]`).join(', ')})` : `line${i}`,
  );
  const stores = values.map((value, i) => `${tile}[4u * depthQuad + ${i}u][quad] = ${value};`);
  return `{ ${[...lines, ...stores].join(' ')} }`;
}

class RegisterBlocks extends Blocks {
  readonly suffix = '';
  readonly matrices = undefined;
  readonly declarations: string;

  constructor(
    private readonly halves: boolean,
    private readonly limits: GpuLimits,
  ) {
    super(SIDE * SIDE);
    this.declarations = `
${halves ? roundedToHalf : ''}
var<workgroup> tileA: array<array<vec4f, ${BLOCK / 4}>, ${DEPTH}>;
var<workgroup> tileB: array<array<vec4f, ${BLOCK / 4}>, ${DEPTH}>;
var<workgroup> passing: array<f32, ${BLOCK * SIDE}>;`;
  }

  open(): string {
    return '';
  }

  settle(): string {
    return '';
  }

  multiply(a: Factor, b: Factor, {names}: Sums, from: string, stop: string): string {
    const rounded = (value: string): string => (this.halves ? `roundedToHalf(${value})` : value);
    const step = (d: string): string => `
        {
          ${count(OWN / 4, h => `let x${h} = tileA[${d}][threadRow + ${SIDE * h}u];`).join(' ')}
          ${count(OWN / 4, c => `let y${c} = tileB[${d}][threadColumn + ${SIDE * c}u];`).join(' ')}
          ${names.map((line, i) => line.map((sum, c) => `${sum} += x${Math.floor(i / 4)}[${i % 4}] * y${c};`).join(' ')).join('\n          ')}
        }`;
    return `
  {
    let quad = local % 8u + 8u * (local / 32u);
    let depthQuad = (local / 8u) % 4u;
    ${four.map(i => `var heldA${i} = vec4f(); var heldB${i} = vec4f();`).join(' ')}
    let stop = ${stop};
    let first: u32 = ${from};
    for (var begin = first; ; begin += ${DEPTH}u) {
      // What the next tiles need is on its way while these are used.
      if (begin < stop) { ${load(a, 'heldA')} ${load(b, 'heldB')} }
      if (begin > first) {${steps(DEPTH, this.limits, step)}
      }
      workgroupBarrier();
      if (begin >= stop) { break; }
      ${store(a, 'heldA', 'tileA', rounded)} ${store(b, 'heldB', 'tileB', rounded)}
      workgroupBarrier();
    }
  }`;
  }
}

/** 64 threads, 10 KiB of workgroup memory: any device. */
export function registerBlocks(precision: Precision, limits: GpuLimits): Blocks {
  return new RegisterBlocks(precision === 'float16', limits);
}
