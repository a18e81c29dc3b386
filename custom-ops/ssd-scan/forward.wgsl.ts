// The forward passes: scores of a group, what chunks add to states, the passing on, and outputs.

import type {Pass, Plan} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {store4} from '../wgsl/rows.js';
import {BLOCK} from './blocks.wgsl.js';
import {registerBlocks} from './register-blocks.wgsl.js';
import type {SsdShape} from './ssd-shape.wgsl.js';
import {
  ifToken,
  inputBindings,
  inputLines,
  loadTokens,
  placeOfGroup,
  placeOfHead,
  scoreLines,
  sharedBindings,
  sharedLines,
  ssdConstants,
  stateLines,
  tokenMemory,
} from './ssd-shape.wgsl.js';
import {addedStatesPass, carryPass} from './states.wgsl.js';
import {skipWeight, stepsPass, stepVectors} from './tokens.wgsl.js';

/** Floats of `scores` [B, S, G, Q, Q]. */
export const scoreWords = ({B, S, G, Q}: SsdShape): number => B * S * G * Q * Q;

/**
 * Writes `scores`, C B^T, in blocks that are not wholly above the diagonal; in float32 always, since the heads of a group share
 * them: they are few, and would be rounded twice.
 */
export function scoresPass(shape: SsdShape): Pass {
  const {B, G, S, Q, rowBlocks, limits} = shape;
  const blocks = registerBlocks('float32', limits);
  const perGroup = rowBlocks * rowBlocks;
  const count = B * S * G * perGroup;
  const sums = blocks.sums('sum');
  const [writes, reads] = [sharedLines(shape, 'B'), sharedLines(shape, 'C')];
  return {
    name: 'ssdScan scores',
    read: sharedBindings(shape, 'B', 'C'),
    write: {scores: 'vec4f'},
    workgroups: spread(count, limits),
    code: `
${ssdConstants(shape)}
${writes.code}
${reads.code}
${blocks.declarations}
@compute @workgroup_size(${blocks.threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${count}u) { return; }
  let firstRow = workgroup / ${rowBlocks}u % ${rowBlocks}u * ${BLOCK}u;
  let firstColumn = workgroup % ${rowBlocks}u * ${BLOCK}u;
  if (firstColumn > firstRow) { return; }
  let index = workgroup / ${perGroup}u;
  ${placeOfGroup}
  ${blocks.placeOfThread}
  ${sums.declare}
  ${blocks.open(sums)}
  ${blocks.multiply(reads.along('firstRow'), writes.along('firstColumn'), sums, '0u', 'STATES')}
  ${blocks.settle(sums)}
  let row = ((batch * CHUNKS + chunk) * GROUPS + group) * CHUNK + firstRow;
  ${sums.each((sum, i, c) => `scores[(row + ${blocks.rowOf(i)}) * ${Q / 4}u + firstColumn / 4u + ${blocks.quadOf(c)}] = ${sum};`)}
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
  const {B, H, S, P, rowBlocks, inputBlocks, present, blocks, limits} = shape;
  const perHead = rowBlocks * inputBlocks;
  const count = B * S * H * perHead;
  const sums = blocks.sums('sum');
  const weights = scoreLines(shape, 'scores', 'fades(line, quad) * stepSizes[quad]');
  const [inputs, reads] = [inputLines(shape, 'x'), sharedLines(shape, 'C', 'fromStart(line)')];
  const states = stateLines(shape, 'chunkStates');
  const rows = {width: P, reach: (BLOCK / 4) * inputBlocks};
  const place = 'tokenRow(row) * HEADS + head';
  const hasSkip = present.has('D');
  return {
    name: `ssdScan outputs${blocks.suffix}`,
    matrices: blocks.matrices,
    read: {
      ...inputBindings(shape, 'x'),
      ...sharedBindings(shape, 'C', 'chunkStates'),
      ...{scores: 'vec4f', steps: 'vec2f'},
    },
    write: inputBindings(shape, 'y'),
    workgroups: spread(count, limits),
    code: `
${ssdConstants(shape)}
${tokenMemory(shape)}
${fades}
${weights.code}
${inputs.code}
${reads.code}
${states.code}
${blocks.declarations}
@compute @workgroup_size(${blocks.threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${count}u) { return; }
  let index = workgroup / ${perHead}u;
  ${placeOfHead}
  let firstRow = workgroup / ${inputBlocks}u % ${rowBlocks}u * ${BLOCK}u;
  let firstColumn = workgroup % ${inputBlocks}u * ${BLOCK}u;
  let tokens = min(CHUNK, TOKENS - index / HEADS % CHUNKS * CHUNK);
  if (firstRow >= tokens) { return; }
  ${blocks.placeOfThread}
  ${loadTokens(shape)}
  ${sums.declare}
  ${blocks.open(sums)}
  ${blocks.multiply(
    weights.along('firstRow'),
    inputs.across('firstColumn'),
    sums,
    '0u',
    `min(tokens, firstRow + ${BLOCK}u)`,
  )}
  ${blocks.multiply(reads.along('firstRow'), states.along('firstColumn'), sums, '0u', 'STATES')}
  ${blocks.settle(sums)}
  let ownQuad = firstColumn / 4u;
  ${sums.each((_, i, c) =>
    hasSkip
      ? `let input${i}_${c} = ${inputs.at(`firstRow + ${blocks.rowOf(i)}`, `ownQuad + ${blocks.quadOf(c)}`)};`
      : '',
  )}
  ${sums.each(
    (sum, i, c) => `{
    let row = firstRow + ${blocks.rowOf(i)};
    let quad = ownQuad + ${blocks.quadOf(c)};
    let output = ${sum}${hasSkip ? ` + ${skipWeight(shape)} * input${i}_${c}` : ''};
    ${ifToken(shape)}{ ${store4({...rows, name: 'y'}, place, 'quad', 'output')} }
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
