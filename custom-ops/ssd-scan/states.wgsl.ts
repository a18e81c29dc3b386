// States between chunks: what each chunk adds to them, the passing on over chunks, and what passes through a chunk. The same
// passes serve the states forwards and their cotangents backwards.

import type {Bindings, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {laneReductions, subgroupUse} from '../wgsl/reduce.js';
import {store4} from '../wgsl/rows.js';
import {BLOCK} from './blocks.wgsl.js';
import type {SsdShape} from './ssd-shape.wgsl.js';
import {
  inputBindings,
  inputLines,
  loadTokens,
  placeOfHead,
  sharedBindings,
  sharedLines,
  ssdConstants,
  tokenMemory,
} from './ssd-shape.wgsl.js';
import {logSumsLayout} from './tokens.wgsl.js';

interface Added {
  readonly name: string;
  /** Inputs [B, L, H, P] and shared vectors [B, L, G, N], whose products are summed over a chunk's tokens. */
  readonly input: string;
  readonly shared: string;
  /** WGSL of a token's weight, which may name `line`. */
  readonly weight: string;
  /** States [B, S, H, P, N]. */
  readonly to: string;
}

export function addedStatesPass(shape: SsdShape, {name, input, shared, weight, to}: Added): Pass {
  const {B, H, S, P, N, inputBlocks, stateBlocks, blocks, limits} = shape;
  const perHead = inputBlocks * stateBlocks;
  const count = B * S * H * perHead;
  const sums = blocks.sums('sum');
  const inputs = inputLines(shape, input, weight);
  const writes = sharedLines(shape, shared);
  const states = {name: to, width: N, reach: (BLOCK / 4) * stateBlocks};
  return {
    name: `${name}${blocks.suffix}`,
    matrices: blocks.matrices,
    read: {...inputBindings(shape, input), ...sharedBindings(shape, shared), steps: 'vec2f'},
    write: sharedBindings(shape, to),
    workgroups: spread(count, limits),
    code: `
${ssdConstants(shape)}
${tokenMemory(shape)}
${inputs.code}
${writes.code}
${blocks.declarations}
@compute @workgroup_size(${blocks.threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${count}u) { return; }
  let index = workgroup / ${perHead}u;
  ${placeOfHead}
  let firstRow = workgroup / ${stateBlocks}u % ${inputBlocks}u * ${BLOCK}u;
  let firstColumn = workgroup % ${stateBlocks}u * ${BLOCK}u;
  let tokens = min(CHUNK, TOKENS - index / HEADS % CHUNKS * CHUNK);
  ${blocks.placeOfThread}
  ${loadTokens(shape)}
  ${sums.declare}
  ${blocks.open(sums)}
  ${blocks.multiply(inputs.across('firstRow'), writes.across('firstColumn'), sums, '0u', 'tokens')}
  ${blocks.settle(sums)}
  ${sums.each(
    (sum, i, c) => `{
    let row = firstRow + ${blocks.rowOf(i)};
    let quad = firstColumn / 4u + ${blocks.quadOf(c)};
    if (row < ${P}u) { ${store4(states, 'headOfChunk() * WIDTH + row', 'quad', sum)} }
  }`,
  )}
}`,
  };
}

interface Carried {
  readonly name: string;
  /** States [B, S, H, P, N], in place: what each chunk adds becomes what stands before it (behind it, backwards). */
  readonly states: string;
  readonly backwards: boolean;
  /** [B, H, P, N] or none. */
  readonly from?: string;
  readonly to?: string;
}

/** Chunks whose numbers are on their way at once. */
const AHEAD = 8;

export function carryPass(
  {B, H, S, P, N, Q, limits}: SsdShape,
  {name, states, backwards, from, to}: Carried,
): Pass {
  const isWhole = (P * N) % 4 === 0;
  const type = isWhole ? 'vec4f' : 'f32';
  const size = isWhole ? (P * N) / 4 : P * N;
  const count = B * H * size;
  const ahead = Array.from({length: Math.min(S, AHEAD)}, (_, k) => k);
  const place = (k: number): string => {
    const next = S % ahead.length === 0 ? `(i + ${k}u)` : `min(i + ${k}u, ${S - 1}u)`;
    return `(batch * ${S}u + ${backwards ? `${S - 1}u - ${next}` : next}) * ${H}u + head`;
  };
  const at = (k: number): string => `place${k} * ${size}u + index % ${size}u`;
  const bindings = (...names: (string | undefined)[]): Bindings =>
    Object.fromEntries(names.flatMap(one => (one === undefined ? [] : [[one, type]])));
  return {
    name,
    read: {...bindings(from), steps: 'vec2f'},
    write: bindings(states, to),
    workgroups: spread(Math.ceil(count / 256), limits),
    code: `
@compute @workgroup_size(256)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * 256u + local;
  if (index >= ${count}u) { return; }
  let head = index / ${size}u % ${H}u;
  let batch = index / ${H * size}u;
  var state = ${from === undefined ? `${type}()` : `${from}[index]`};
  for (var i = 0u; i < ${S}u; i += ${ahead.length}u) {
    // What several chunks add is on its way before the first is waited for: nothing is written between.
    ${ahead.map(k => `let place${k} = ${place(k)}; let added${k} = ${states}[${at(k)}];`).join('\n    ')}
    ${ahead
      .map(
        k => `if (i + ${k}u < ${S}u) {
      ${states}[${at(k)}] = state;
      state = exp2(steps[place${k} * ${Q}u + ${Q - 1}u].x) * state + added${k};
    }`,
      )
      .join('\n    ')}
  }
  ${to === undefined ? '' : `${to}[index] = state;`}
}`,
  };
}

/** Writes the last part of `logSums`: what passes through each chunk, of states and their cotangents. */
export function throughPass(shape: SsdShape): Pass {
  const {P, N, Q, limits} = shape;
  const {heads, through} = logSumsLayout(shape);
  return {
    name: 'ssdScan through chunks',
    read: {chunkStates: 'f32', gradStates: 'f32', steps: 'vec2f'},
    write: {logSums: 'f32'},
    workgroups: spread(heads, limits),
    ...subgroupUse(limits),
    code: `
${laneReductions(128, 128, limits)}
@compute @workgroup_size(128)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = min(workgroup, ${heads - 1}u);
  var sum = 0.0;
  for (var i = local; i < ${P * N}u; i += 128u) {
    sum += chunkStates[index * ${P * N}u + i] * gradStates[index * ${P * N}u + i];
  }
  let total = sumOverLanes(sum, local);
  if (local == 0u) { logSums[${through}u + index] = exp2(steps[index * ${Q}u + ${Q - 1}u].x) * total; }
}`,
  };
}
