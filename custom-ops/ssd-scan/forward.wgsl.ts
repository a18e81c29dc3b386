// The forward passes: scores of a group, what chunks add to states, the passing on, and outputs.

import type {Pass, Plan} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {load4, store4} from '../wgsl/rows.js';
import {CHUNK} from './attributes.js';
import {
  BLOCK,
  blockProduct,
  placeOfThread,
  quadOf,
  rowOf,
  Sums,
  THREADS,
  tiles,
} from './block-product.wgsl.js';
import type {SsdShape} from './ssd-shape.wgsl.js';
import {
  inputBindings,
  inputLines,
  loadTokens,
  placeOfGroup,
  placeOfHead,
  sharedBindings,
  sharedLines,
  ssdConstants,
  stateLines,
  tokenMemory,
} from './ssd-shape.wgsl.js';
import {addedStatesPass, carryPass} from './states.wgsl.js';
import {skipWeight, stepsPass, stepVectors} from './tokens.wgsl.js';

/** Floats of `scores` [B, S, G, Q, Q]. */
export const scoreWords = ({B, S, G}: SsdShape): number => B * S * G * CHUNK * CHUNK;

/** Writes `scores`, C B^T, in blocks that are not wholly above the diagonal. */
export function scoresPass(shape: SsdShape): Pass {
  const {B, G, S, rowBlocks, limits} = shape;
  const blocks = rowBlocks * rowBlocks;
  const count = B * S * G * blocks;
  const sums = new Sums('sum');
  return {
    name: 'ssdScan scores',
    read: sharedBindings(shape, 'B', 'C'),
    write: {scores: 'vec4f'},
    workgroups: spread(count, limits),
    code: `
${ssdConstants(shape)}
${sharedLines(shape, 'writesOf', 'B')}
${sharedLines(shape, 'readsOf', 'C')}
${tiles}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${count}u) { return; }
  let firstRow = workgroup / ${rowBlocks}u % ${rowBlocks}u * ${BLOCK}u;
  let firstColumn = workgroup % ${rowBlocks}u * ${BLOCK}u;
  if (firstColumn > firstRow) { return; }
  let index = workgroup / ${blocks}u;
  ${placeOfGroup}
  ${placeOfThread}
  ${sums.declare}
  ${blockProduct(
    {of: 'readsOf', alongInner: true, first: 'firstRow'},
    {of: 'writesOf', alongInner: true, first: 'firstColumn'},
    sums,
    '0u',
    'STATES',
  )}
  let row = ((batch * CHUNKS + chunk) * GROUPS + group) * CHUNK + firstRow;
  ${sums.each((sum, i, c) => `scores[(row + ${rowOf(i)}) * ${CHUNK / 4}u + firstColumn / 4u + ${quadOf(c)}] = ${sum};`)}
}`,
  };
}

/** WGSL of `fades(line, quad)`: decays from four tokens to the token `line`, 0 from those behind it. */
export const fades = `
fn fades(line: u32, quad: u32) -> vec4f {
  let isPast = (vec4u(4u * quad) + vec4u(0u, 1u, 2u, 3u)) <= vec4u(line);
  return select(vec4f(), exp2(decayOf(line) - decays[quad]), isPast);
}`;

function outputsPass(shape: SsdShape): Pass {
  const {B, H, S, P, rowBlocks, inputBlocks, present, limits} = shape;
  const blocks = rowBlocks * inputBlocks;
  const count = B * S * H * blocks;
  const sums = new Sums('sum');
  const rows = {width: P, reach: (BLOCK / 4) * inputBlocks};
  const place = 'tokenRow(row) * HEADS + head';
  const skip = present.has('D')
    ? ` + ${skipWeight(shape)} * ${load4({...rows, name: 'x'}, place, 'quad')}`
    : '';
  return {
    name: 'ssdScan outputs',
    read: {
      ...inputBindings(shape, 'x'),
      ...sharedBindings(shape, 'C', 'chunkStates'),
      ...{scores: 'vec4f', steps: 'vec2f'},
    },
    write: inputBindings(shape, 'y'),
    workgroups: spread(count, limits),
    code: `
${ssdConstants(shape)}
${tokenMemory}
${fades}
fn weightsOf(line: u32, quad: u32) -> vec4f {
  let row = ((batch * CHUNKS + chunk) * GROUPS + group) * CHUNK + line;
  return scores[row * ${CHUNK / 4}u + quad] * fades(line, quad) * stepSizes[quad];
}
${inputLines(shape, 'inputsOf', 'x')}
${sharedLines(shape, 'readsOf', 'C', 'fromStart(line)')}
${stateLines(shape, 'statesOf', 'chunkStates')}
${tiles}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${count}u) { return; }
  let index = workgroup / ${blocks}u;
  ${placeOfHead}
  let firstRow = workgroup / ${inputBlocks}u % ${rowBlocks}u * ${BLOCK}u;
  let firstColumn = workgroup % ${inputBlocks}u * ${BLOCK}u;
  let tokens = min(CHUNK, TOKENS - index / HEADS % CHUNKS * CHUNK);
  if (firstRow >= tokens) { return; }
  ${placeOfThread}
  ${loadTokens}
  ${sums.declare}
  ${blockProduct(
    {of: 'weightsOf', alongInner: true, first: 'firstRow'},
    {of: 'inputsOf', alongInner: false, first: 'firstColumn'},
    sums,
    '0u',
    `min(tokens, firstRow + ${BLOCK}u)`,
  )}
  ${blockProduct(
    {of: 'readsOf', alongInner: true, first: 'firstRow'},
    {of: 'statesOf', alongInner: true, first: 'firstColumn'},
    sums,
    '0u',
    'STATES',
  )}
  ${sums.each(
    (sum, i, c) => `{
    let row = firstRow + ${rowOf(i)};
    let quad = firstColumn / 4u + ${quadOf(c)};
    if (row < tokens) { ${store4({...rows, name: 'y'}, place, 'quad', `(${sum}${skip})`)} }
  }`,
  )}
}`,
  };
}

export function chunksForward(shape: SsdShape): Plan {
  const {present} = shape;
  return {
    scratch: {steps: 2 * stepVectors(shape), scores: scoreWords(shape)},
    passes: [
      stepsPass(shape),
      scoresPass(shape),
      addedStatesPass(shape, {
        name: 'ssdScan states of chunks',
        input: 'x',
        shared: 'B',
        weight: 'untilEnd(line) * stepOf(line)',
        to: 'chunkStates',
      }),
      carryPass(shape, {
        name: 'ssdScan carry',
        states: 'chunkStates',
        backwards: false,
        from: present.has('initialState') ? 'initialState' : undefined,
        to: 'finalState',
      }),
      outputsPass(shape),
    ],
  };
}
