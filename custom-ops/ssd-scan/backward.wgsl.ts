// The gradient's passes over heads of chunks: cotangents of states, of inputs, and of pairs of tokens.

import type {Pass, Plan} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {load4, store4} from '../wgsl/rows.js';
import {CHUNK} from './attributes.js';
import {
  BLOCK,
  blockProduct,
  partials,
  placeOfThread,
  quadOf,
  rowOf,
  Sums,
  sumColumns,
  sumRows,
  THREADS,
  tiles,
} from './block-product.wgsl.js';
import {fades, scoresPass, scoreWords} from './forward.wgsl.js';
import {partsOfHeads, sharedGradientPasses, sumOfParts} from './shared-gradient.wgsl.js';
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
import {addedStatesPass, carryPass, throughPass} from './states.wgsl.js';
import {logSumsLayout, skipWeight, stepGradientPasses, stepsPass, stepVectors} from './tokens.wgsl.js';

/** gradX and `tokenSums` [B, S, H, Q]: x v, x u and x gradY of each token. A workgroup takes all of P for its rows. */
function inputGradientPass(shape: SsdShape): Pass {
  const {B, H, S, P, rowBlocks, inputBlocks, present, limits} = shape;
  const count = B * S * H * rowBlocks;
  const [later, within] = [new Sums('later'), new Sums('within')];
  const rows = {width: P, reach: (BLOCK / 4) * inputBlocks};
  const place = 'tokenRow(row) * HEADS + head';
  const skip = present.has('D') ? ` + ${skipWeight(shape)} * cotangent` : '';
  const eight = Array.from({length: 8}, (_, i) => i);
  return {
    name: 'ssdScan gradient of inputs',
    read: {
      ...inputBindings(shape, 'x', 'gradY'),
      ...sharedBindings(shape, 'B', 'gradStates'),
      ...{scores: 'vec4f', steps: 'vec2f'},
    },
    write: {...inputBindings(shape, 'gradX'), tokenSums: 'vec4f'},
    workgroups: spread(count, limits),
    code: `
${ssdConstants(shape)}
${tokenMemory}
${fades}
fn keptOf(line: u32, quad: u32) -> vec4f {
  let row = ((batch * CHUNKS + chunk) * GROUPS + group) * CHUNK + line;
  return scores[row * ${CHUNK / 4}u + quad] * fades(line, quad);
}
${inputLines(shape, 'cotangentsOf', 'gradY')}
${sharedLines(shape, 'writesOf', 'B', 'untilEnd(line)')}
${stateLines(shape, 'gradStatesOf', 'gradStates')}
${tiles}
${partials}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${count}u) { return; }
  let index = workgroup / ${rowBlocks}u;
  ${placeOfHead}
  let firstRow = workgroup % ${rowBlocks}u * ${BLOCK}u;
  let tokens = min(CHUNK, TOKENS - index / HEADS % CHUNKS * CHUNK);
  ${placeOfThread}
  ${loadTokens}
  ${eight.map(i => `var reached${i} = 0.0; var written${i} = 0.0; var skipped${i} = 0.0;`).join(' ')}
  for (var firstColumn = 0u; firstColumn < ${inputBlocks * BLOCK}u; firstColumn += ${BLOCK}u) {
    ${later.declare}
    ${within.declare}
    ${blockProduct(
      {of: 'writesOf', alongInner: true, first: 'firstRow'},
      {of: 'gradStatesOf', alongInner: true, first: 'firstColumn'},
      later,
      '0u',
      'STATES',
    )}
    ${blockProduct(
      {of: 'keptOf', alongInner: false, first: 'firstRow'},
      {of: 'cotangentsOf', alongInner: false, first: 'firstColumn'},
      within,
      'firstRow',
      'tokens',
    )}
    ${later.each(
      (sum, i, c) => `{
      let row = firstRow + ${rowOf(i)};
      let quad = firstColumn / 4u + ${quadOf(c)};
      if (row < tokens) {
        let input = ${load4({...rows, name: 'x'}, place, 'quad')};
        let cotangent = ${load4({...rows, name: 'gradY'}, place, 'quad')};
        let write = ${sum} + ${within.names[i][c]};
        reached${i} += dot(input, ${sum});
        written${i} += dot(input, write);
        skipped${i} += dot(input, cotangent);
        ${store4({...rows, name: 'gradX'}, place, 'quad', `(stepOf(row) * write${skip})`)}
      }
    }`,
    )}
  }
  ${['reached', 'written', 'skipped']
    .map(name =>
      sumRows(
        name,
        eight.map(i => `${name}${i}`),
      ),
    )
    .join('')}
  tokenSums[headOfChunk() * CHUNK + firstRow + local] = vec4f(reached, written, skipped, 0.0);
}`,
  };
}

/**
 * Cotangents of scores, `gradScores` or parts of it over heads, [parts, B, S, G, Q, Q], and sums of W over rows and columns. A
 * workgroup takes a block and some heads of a group.
 */
function pairsPass(shape: SsdShape, parts: number): Pass {
  const {B, G, H, S, rowBlocks, limits} = shape;
  const perGroup = H / G;
  const perPart = Math.ceil(perGroup / parts);
  const blocks = rowBlocks * rowBlocks;
  const count = B * S * G * parts * blocks;
  const {heads, columns, words} = logSumsLayout(shape);
  const [pairs, sums] = [new Sums('pair'), new Sums('sum')];
  const eight = Array.from({length: 8}, (_, i) => i);
  const to = parts === 1 ? 'gradScores' : 'gradScoresParts';
  return {
    name: 'ssdScan gradient of pairs',
    read: {...inputBindings(shape, 'x', 'gradY'), scores: 'vec4f', steps: 'vec2f'},
    write: {[to]: 'vec4f', logSums: 'f32'},
    workgroups: spread(count, limits),
    code: `
// logSums has ${words} words.
${ssdConstants(shape)}
${tokenMemory}
${fades}
${inputLines(shape, 'inputsOf', 'x')}
${inputLines(shape, 'cotangentsOf', 'gradY')}
${tiles}
${partials}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${count}u) { return; }
  let firstRow = workgroup / ${rowBlocks}u % ${rowBlocks}u * ${BLOCK}u;
  let firstColumn = workgroup % ${rowBlocks}u * ${BLOCK}u;
  if (firstColumn > firstRow) { return; }
  let index = workgroup / ${blocks}u % ${B * S * G}u;
  let part = workgroup / ${blocks * B * S * G}u;
  ${placeOfGroup}
  ${placeOfThread}
  let scoreRow = index * CHUNK + firstRow;
  ${sums.declare}
  let firstHead = index % GROUPS * ${perGroup}u;
  let lastHead = firstHead + min(${perGroup}u, (part + 1u) * ${perPart}u);
  for (var own = firstHead + part * ${perPart}u; own < lastHead; own++) {
    head = own;
    ${loadTokens}
    ${pairs.declare}
    ${blockProduct(
      {of: 'cotangentsOf', alongInner: true, first: 'firstRow'},
      {of: 'inputsOf', alongInner: true, first: 'firstColumn'},
      pairs,
      '0u',
      'WIDTH',
    )}
    ${eight.map(i => `var row${i} = 0.0;`).join(' ')}
    var column0 = vec4f(); var column1 = vec4f();
    ${pairs.each(
      (pair, i, c) => `{
      let line = firstRow + ${rowOf(i)};
      let quad = firstColumn / 4u + ${quadOf(c)};
      let score = scores[(scoreRow + ${rowOf(i)}) * ${CHUNK / 4}u + quad];
      let grad = ${pair} * fades(line, quad) * stepSizes[quad];
      ${sums.names[i][c]} += grad;
      // A token and itself see no decay.
      let isApart = (vec4u(4u * quad) + vec4u(0u, 1u, 2u, 3u)) < vec4u(line);
      let apart = select(vec4f(), score * grad, isApart);
      row${i} += dot(apart, vec4f(1.0));
      column${c} += apart;
    }`,
    )}
    let at = headOfChunk() * CHUNK;
    ${sumRows(
      'rowSum',
      eight.map(i => `row${i}`),
    )}
    ${sumColumns('columnSum', ['column0', 'column1'])}
    logSums[firstColumn / ${BLOCK}u * ${heads * CHUNK}u + at + firstRow + local] = rowSum;
    logSums[${columns}u + firstRow / ${BLOCK}u * ${heads * CHUNK}u + at + firstColumn + local] = columnSum;
  }
  let row = part * ${B * S * G * CHUNK}u + scoreRow;
  ${sums.each((sum, i, c) => `${to}[(row + ${rowOf(i)}) * ${CHUNK / 4}u + firstColumn / 4u + ${quadOf(c)}] = ${sum};`)}
}`,
  };
}

export function chunksBackward(shape: SsdShape): Plan {
  const {B, S, H, P, N, rowBlocks, present, limits} = shape;
  const pairParts = partsOfHeads(shape, rowBlocks * rowBlocks);
  const words = scoreWords(shape);
  const shared = sharedGradientPasses(shape);
  const steps = stepGradientPasses(shape);
  return {
    scratch: {
      steps: 2 * stepVectors(shape),
      scores: words,
      gradStates: B * S * H * P * N,
      tokenSums: 4 * B * S * H * CHUNK,
      logSums: logSumsLayout(shape).words,
      gradScores: words,
      ...(pairParts > 1 ? {gradScoresParts: pairParts * words} : {}),
      ...shared.scratch,
      ...steps.scratch,
    },
    passes: [
      stepsPass(shape),
      scoresPass(shape),
      addedStatesPass(shape, {
        name: 'ssdScan cotangents of states of chunks',
        input: 'gradY',
        shared: 'C',
        weight: 'fromStart(line)',
        to: 'gradStates',
      }),
      carryPass(shape, {
        name: 'ssdScan carry backwards',
        states: 'gradStates',
        backwards: true,
        from: 'gradFinalState',
        to: present.has('initialState') ? 'gradInitialState' : undefined,
      }),
      throughPass(shape),
      inputGradientPass(shape),
      pairsPass(shape, pairParts),
      ...(pairParts > 1 ? [sumOfParts('gradScores', pairParts, words, limits)] : []),
      ...shared.passes,
      ...steps.passes,
    ],
  };
}
