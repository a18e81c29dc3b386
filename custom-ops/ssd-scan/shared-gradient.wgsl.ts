// Gradients of B and C, which the heads of a group share: a workgroup takes a block of tokens and states and some of the heads;
// parts are added in order.

import {elementwisePass} from '../wgsl/elementwise.js';
import type {GpuLimits, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {rowType, store4} from '../wgsl/rows.js';
import {BLOCK} from './blocks.wgsl.js';
import type {SsdShape} from './ssd-shape.wgsl.js';
import {
  ifToken,
  inputBindings,
  inputLines,
  loadTokens,
  placeOfGroup,
  scoreLines,
  sharedBindings,
  sharedLines,
  ssdConstants,
  stateLines,
  tokenMemory,
} from './ssd-shape.wgsl.js';
import {logSumsLayout} from './tokens.wgsl.js';

/** Workgroups that keep a large device busy. */
const BUSY = 1024;

/** Parts that the heads of a group are cut into, where each has so many blocks. */
export function partsOfHeads({B, S, G, H}: SsdShape, blocks: number): number {
  const perGroup = H / G;
  const perPart = Math.ceil(perGroup / Math.min(perGroup, Math.ceil(BUSY / (B * S * G * blocks))));
  return Math.ceil(perGroup / perPart);
}

/** Adds `${to}Parts` [parts, words] up. */
export function sumOfParts(to: string, parts: number, words: number, limits: GpuLimits): Pass {
  const type = rowType(words);
  const count = type === 'vec4f' ? words / 4 : words;
  return elementwisePass(
    {
      name: `ssdScan ${to} from parts`,
      read: {[`${to}Parts`]: type},
      write: {[to]: type},
      count,
      body: `
  var total = ${type}();
  for (var part = 0u; part < ${parts}u; part++) { total += ${to}Parts[part * ${count}u + index]; }
  ${to}[index] = total;`,
    },
    limits,
  );
}

/** The pass of gradC or gradB, which differ in what is multiplied. */
function sharedPass(shape: SsdShape, of: 'B' | 'C', parts: number): Pass {
  const {B, G, H, L, S, N, Q, rowBlocks, stateBlocks, blocks, limits} = shape;
  const perGroup = H / G;
  const perPart = Math.ceil(perGroup / parts);
  const perChunk = rowBlocks * stateBlocks;
  const count = B * S * G * parts * perChunk;
  const {heads, states: statesAt} = logSumsLayout(shape);
  const isRead = of === 'C';
  const [read, sums] = [blocks.sums('read'), blocks.sums('sum')];
  const to = parts === 1 ? `grad${of}` : `grad${of}Parts`;
  const rows = {width: N, reach: (BLOCK / 4) * stateBlocks};
  const [input, state, other] = isRead ? ['gradY', 'chunkStates', 'B'] : ['x', 'gradStates', 'C'];
  const inputs = inputLines(shape, input, isRead ? undefined : 'untilEnd(line) * stepOf(line)');
  const states = stateLines(shape, state);
  const others = sharedLines(shape, other);
  const own = sharedLines(shape, 'C');
  const weights = scoreLines(shape, 'gradScores');
  const overHeads = blocks.multiply(
    inputs.along('firstRow'),
    states.across('firstColumn'),
    isRead ? read : sums,
    '0u',
    'WIDTH',
  );
  // What a head's tokens read of the state is needed by itself: its product with C is what their decays are worth.
  const ofHead = isRead
    ? `
    ${read.declare}
    ${blocks.open(read)}
    ${overHeads}
    ${blocks.settle(read)}
    ${blocks.rows(i => `var row${i} = 0.0;`).join(' ')}
    ${read.each(
      (sum, i, c) => `{
      let line = firstRow + ${blocks.rowOf(i)};
      let quad = firstColumn / 4u + ${blocks.quadOf(c)};
      let faded = fromStart(line) * ${sum};
      ${sums.names[i][c]} += faded;
      row${i} += dot(faded, ${own.at('line', 'quad')});
    }`,
    )}
    ${blocks.sumRows(
      'rowSum',
      blocks.rows(i => `row${i}`),
    )}
    if (local < ${BLOCK}u) {
      logSums[${statesAt}u + firstColumn / ${BLOCK}u * ${heads * Q}u + headOfChunk() * CHUNK + firstRow + local] = rowSum;
    }`
    : overHeads;
  const pairs = isRead
    ? blocks.multiply(
        weights.along('firstRow'),
        others.across('firstColumn'),
        sums,
        '0u',
        `min(tokens, firstRow + ${BLOCK}u)`,
      )
    : blocks.multiply(weights.across('firstRow'), others.across('firstColumn'), sums, 'firstRow', 'tokens');
  return {
    name: `ssdScan gradient of ${of}${blocks.suffix}`,
    matrices: blocks.matrices,
    read: {
      ...inputBindings(shape, input),
      ...sharedBindings(shape, state, other, ...(isRead ? ['C'] : [])),
      ...{gradScores: 'vec4f', steps: 'vec2f'},
    },
    write: {...sharedBindings(shape, to), ...(isRead ? {logSums: 'f32'} : {})},
    workgroups: spread(count, limits),
    code: `
${ssdConstants(shape)}
${tokenMemory(shape)}
${inputs.code}
${states.code}
${others.code}
${isRead ? own.code : ''}
${weights.code}
${blocks.declarations}
@compute @workgroup_size(${blocks.threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${count}u) { return; }
  let firstRow = workgroup / ${stateBlocks}u % ${rowBlocks}u * ${BLOCK}u;
  let firstColumn = workgroup % ${stateBlocks}u * ${BLOCK}u;
  let index = workgroup / ${perChunk}u % ${B * S * G}u;
  let part = workgroup / ${perChunk * B * S * G}u;
  ${placeOfGroup}
  let tokens = min(CHUNK, TOKENS - index / GROUPS % CHUNKS * CHUNK);
  ${blocks.placeOfThread}
  ${sums.declare}
  ${blocks.open(sums)}
  let firstHead = index % GROUPS * ${perGroup}u;
  let lastHead = firstHead + min(${perGroup}u, (part + 1u) * ${perPart}u);
  for (var own = firstHead + part * ${perPart}u; own < lastHead; own++) {
    head = own;
    ${loadTokens(shape)}
    ${ofHead}
    workgroupBarrier();
  }
  if (part == 0u) { ${pairs} }
  ${blocks.settle(sums)}
  ${sums.each(
    (sum, i, c) => `{
    let row = firstRow + ${blocks.rowOf(i)};
    let quad = firstColumn / 4u + ${blocks.quadOf(c)};
    ${ifToken(shape)}{ ${store4({...rows, name: to}, `part * ${B * L * G}u + tokenRow(row) * GROUPS + group`, 'quad', sum)} }
  }`,
  )}
}`,
  };
}

export function sharedGradientPasses(shape: SsdShape): {passes: Pass[]; scratch: Record<string, number>} {
  const {B, L, G, N, rowBlocks, stateBlocks, limits} = shape;
  const parts = partsOfHeads(shape, rowBlocks * stateBlocks);
  const words = B * L * G * N;
  const both = ['C', 'B'] as const;
  return {
    passes: both.flatMap(of => [
      sharedPass(shape, of, parts),
      ...(parts > 1 ? [sumOfParts(`grad${of}`, parts, words, limits)] : []),
    ]),
    scratch: parts > 1 ? {gradBParts: parts * words, gradCParts: parts * words} : {},
  };
}
