// Gradients of B and C, which the heads of a group share: a workgroup takes a block of tokens and states and some of the heads;
// parts are added in order.

import type {GpuLimits, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {rowSumPass} from '../wgsl/reduce.js';
import {store4} from '../wgsl/rows.js';
import {CHUNK} from './attributes.js';
import {
  BLOCK,
  blockProduct,
  partials,
  placeOfThread,
  quadOf,
  rowOf,
  Sums,
  sumRows,
  THREADS,
  tiles,
} from './block-product.wgsl.js';
import type {SsdShape} from './ssd-shape.wgsl.js';
import {
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
  return rowSumPass(
    {
      name: `ssdScan ${to} from parts`,
      from: `${to}Parts`,
      rows: parts,
      columns: words,
      write: {[to]: 'f32'},
      store: `${to}[column] = total;`,
    },
    limits,
  );
}

/** The pass of gradC or gradB, which differ in what is multiplied. */
function sharedPass(shape: SsdShape, of: 'B' | 'C', parts: number): Pass {
  const {B, G, H, L, S, N, rowBlocks, stateBlocks, limits} = shape;
  const perGroup = H / G;
  const perPart = Math.ceil(perGroup / parts);
  const blocks = rowBlocks * stateBlocks;
  const count = B * S * G * parts * blocks;
  const {heads, states} = logSumsLayout(shape);
  const isRead = of === 'C';
  const [read, sums] = [new Sums('read'), new Sums('sum')];
  const eight = Array.from({length: 8}, (_, i) => i);
  const to = parts === 1 ? `grad${of}` : `grad${of}Parts`;
  const rows = {width: N, reach: (BLOCK / 4) * stateBlocks};
  const [input, state, other] = isRead ? ['gradY', 'chunkStates', 'B'] : ['x', 'gradStates', 'C'];
  const overHeads = blockProduct(
    {of: 'inputsOf', alongInner: true, first: 'firstRow'},
    {of: 'statesOf', alongInner: false, first: 'firstColumn'},
    isRead ? read : sums,
    '0u',
    'WIDTH',
  );
  // What a head's tokens read of the state is needed by itself: its product with C is what their decays are worth.
  const ofHead = isRead
    ? `
    ${read.declare}
    ${overHeads}
    ${eight.map(i => `var row${i} = 0.0;`).join(' ')}
    ${read.each(
      (sum, i, c) => `{
      let line = firstRow + ${rowOf(i)};
      let quad = firstColumn / 4u + ${quadOf(c)};
      let faded = fromStart(line) * ${sum};
      ${sums.names[i][c]} += faded;
      row${i} += dot(faded, ownOf(line, quad));
    }`,
    )}
    ${sumRows(
      'rowSum',
      eight.map(i => `row${i}`),
    )}
    logSums[${states}u + firstColumn / ${BLOCK}u * ${heads * CHUNK}u + headOfChunk() * CHUNK + firstRow + local] = rowSum;`
    : overHeads;
  const pairs = isRead
    ? blockProduct(
        {of: 'gradScoresOf', alongInner: true, first: 'firstRow'},
        {of: 'otherOf', alongInner: false, first: 'firstColumn'},
        sums,
        '0u',
        `min(tokens, firstRow + ${BLOCK}u)`,
      )
    : blockProduct(
        {of: 'gradScoresOf', alongInner: false, first: 'firstRow'},
        {of: 'otherOf', alongInner: false, first: 'firstColumn'},
        sums,
        'firstRow',
        'tokens',
      );
  return {
    name: `ssdScan gradient of ${of}`,
    read: {
      ...inputBindings(shape, input),
      ...sharedBindings(shape, state, other, ...(isRead ? ['C'] : [])),
      ...{gradScores: 'vec4f', steps: 'vec2f'},
    },
    write: {...sharedBindings(shape, to), ...(isRead ? {logSums: 'f32'} : {})},
    workgroups: spread(count, limits),
    code: `
${ssdConstants(shape)}
${tokenMemory}
${inputLines(shape, 'inputsOf', input, isRead ? undefined : 'untilEnd(line) * stepOf(line)')}
${stateLines(shape, 'statesOf', state)}
${sharedLines(shape, 'otherOf', other)}
${isRead ? sharedLines(shape, 'ownOf', 'C') : ''}
${scoreLines('gradScoresOf', 'gradScores')}
${tiles}
${isRead ? partials : ''}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${count}u) { return; }
  let firstRow = workgroup / ${stateBlocks}u % ${rowBlocks}u * ${BLOCK}u;
  let firstColumn = workgroup % ${stateBlocks}u * ${BLOCK}u;
  let index = workgroup / ${blocks}u % ${B * S * G}u;
  let part = workgroup / ${blocks * B * S * G}u;
  ${placeOfGroup}
  let tokens = min(CHUNK, TOKENS - index / GROUPS % CHUNKS * CHUNK);
  ${placeOfThread}
  ${sums.declare}
  let firstHead = index % GROUPS * ${perGroup}u;
  let lastHead = firstHead + min(${perGroup}u, (part + 1u) * ${perPart}u);
  for (var own = firstHead + part * ${perPart}u; own < lastHead; own++) {
    head = own;
    ${loadTokens}
    ${ofHead}
    workgroupBarrier();
  }
  if (part == 0u) { ${pairs} }
  ${sums.each(
    (sum, i, c) => `{
    let row = firstRow + ${rowOf(i)};
    let quad = firstColumn / 4u + ${quadOf(c)};
    if (row < tokens) { ${store4({...rows, name: to}, `part * ${B * L * G}u + tokenRow(row) * GROUPS + group`, 'quad', sum)} }
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
