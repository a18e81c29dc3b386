// The gradient's passes over heads of chunks: cotangents of states, of inputs, and of pairs of tokens.

import type {Pass, Plan} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {store4} from '../wgsl/rows.js';
import {BLOCK} from './blocks.wgsl.js';
import {fades, scoresPass, scoreWords} from './forward.wgsl.js';
import {partsOfHeads, sharedGradientPasses, sumOfParts} from './shared-gradient.wgsl.js';
import type {Lines, SsdShape} from './ssd-shape.wgsl.js';
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
import {addedStatesPass, carryPass, throughPass} from './states.wgsl.js';
import {logSumsLayout, skipWeight, stepGradientPasses, stepsPass, stepVectors} from './tokens.wgsl.js';

/** gradX and `tokenSums` [B, S, H, Q]: x v, x u and x gradY of each token. A workgroup takes all of P for its rows. */
function inputGradientPass(shape: SsdShape): Pass {
  const {B, H, S, P, rowBlocks, inputBlocks, present, blocks, limits} = shape;
  const count = B * S * H * rowBlocks;
  const sums = blocks.sums('sum');
  const kept = scoreLines(shape, 'scores', 'fades(line, quad)');
  const inputs = inputLines(shape, 'x');
  const [cotangents, writes] = [inputLines(shape, 'gradY'), sharedLines(shape, 'B', 'untilEnd(line)')];
  const states = stateLines(shape, 'gradStates');
  const rows = {width: P, reach: (BLOCK / 4) * inputBlocks};
  const place = 'tokenRow(row) * HEADS + head';
  const skip = present.has('D') ? ` + ${skipWeight(shape)} * cotangent` : '';
  const ofThread = (lines: Lines, i: number, c: number): string =>
    lines.at(`firstRow + ${blocks.rowOf(i)}`, `firstColumn / 4u + ${blocks.quadOf(c)}`);
  return {
    name: `ssdScan gradient of inputs${blocks.suffix}`,
    matrices: blocks.matrices,
    read: {
      ...inputBindings(shape, 'x', 'gradY'),
      ...sharedBindings(shape, 'B', 'gradStates'),
      ...{scores: 'vec4f', steps: 'vec2f'},
    },
    write: {...inputBindings(shape, 'gradX'), tokenSums: 'vec4f'},
    workgroups: spread(count, limits),
    code: `
${ssdConstants(shape)}
${tokenMemory(shape)}
${fades}
${kept.code}
${inputs.code}
${cotangents.code}
${writes.code}
${states.code}
${blocks.declarations}
@compute @workgroup_size(${blocks.threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${count}u) { return; }
  let index = workgroup / ${rowBlocks}u;
  ${placeOfHead}
  let firstRow = workgroup % ${rowBlocks}u * ${BLOCK}u;
  let tokens = min(CHUNK, TOKENS - index / HEADS % CHUNKS * CHUNK);
  ${blocks.placeOfThread}
  ${loadTokens(shape)}
  ${blocks.rows(i => `var reached${i} = 0.0; var written${i} = 0.0; var skipped${i} = 0.0;`).join(' ')}
  for (var firstColumn = 0u; firstColumn < ${inputBlocks * BLOCK}u; firstColumn += ${BLOCK}u) {
    ${sums.declare}
    // What comes by way of the state behind the chunk is needed by itself: decays of later tokens scale it.
    {
      ${blocks.open(sums)}
      ${blocks.multiply(writes.along('firstRow'), states.along('firstColumn'), sums, '0u', 'STATES')}
      ${blocks.settle(sums)}
    }
    ${sums.each((_, i, c) => `let input${i}_${c} = ${ofThread(inputs, i, c)};`)}
    ${sums.each((sum, i, c) => `reached${i} += dot(input${i}_${c}, ${sum});`)}
    {
      ${blocks.open(sums)}
      ${blocks.multiply(kept.across('firstRow'), cotangents.across('firstColumn'), sums, 'firstRow', 'tokens')}
      ${blocks.settle(sums)}
    }
    ${sums.each((_, i, c) => `let cotangent${i}_${c} = ${ofThread(cotangents, i, c)};`)}
    ${sums.each(
      (sum, i, c) => `{
      let row = firstRow + ${blocks.rowOf(i)};
      let quad = firstColumn / 4u + ${blocks.quadOf(c)};
      let cotangent = cotangent${i}_${c};
      written${i} += dot(input${i}_${c}, ${sum});
      skipped${i} += dot(input${i}_${c}, cotangent);
      ${ifToken(shape)}{ ${store4({...rows, name: 'gradX'}, place, 'quad', `(stepOf(row) * ${sum}${skip})`)} }
    }`,
    )}
  }
  ${['reached', 'written', 'skipped']
    .map(name =>
      blocks.sumRows(
        name,
        blocks.rows(i => `${name}${i}`),
      ),
    )
    .join('')}
  if (local < ${BLOCK}u) {
    tokenSums[headOfChunk() * CHUNK + firstRow + local] = vec4f(reached, written, skipped, 0.0);
  }
}`,
  };
}

/**
 * Cotangents of scores, `gradScores` or parts of it over heads, [parts, B, S, G, Q, Q], and sums of W over rows and columns. A
 * workgroup takes a block and some heads of a group.
 */
function pairsPass(shape: SsdShape, parts: number): Pass {
  const {B, G, H, S, Q, rowBlocks, blocks, limits} = shape;
  const perGroup = H / G;
  const perPart = Math.ceil(perGroup / parts);
  const perChunk = rowBlocks * rowBlocks;
  const count = B * S * G * parts * perChunk;
  const {heads, columns, words} = logSumsLayout(shape);
  const [pairs, sums] = [blocks.sums('pair'), blocks.sums('sum')];
  const [inputs, cotangents] = [inputLines(shape, 'x'), inputLines(shape, 'gradY')];
  const to = parts === 1 ? 'gradScores' : 'gradScoresParts';
  return {
    name: `ssdScan gradient of pairs${blocks.suffix}`,
    matrices: blocks.matrices,
    read: {...inputBindings(shape, 'x', 'gradY'), scores: 'vec4f', steps: 'vec2f'},
    write: {[to]: 'vec4f', logSums: 'f32'},
    workgroups: spread(count, limits),
    code: `
// logSums has ${words} words.
${ssdConstants(shape)}
${tokenMemory(shape)}
${fades}
${inputs.code}
${cotangents.code}
${blocks.declarations}
@compute @workgroup_size(${blocks.threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${count}u) { return; }
  let firstRow = workgroup / ${rowBlocks}u % ${rowBlocks}u * ${BLOCK}u;
  let firstColumn = workgroup % ${rowBlocks}u * ${BLOCK}u;
  if (firstColumn > firstRow) { return; }
  let index = workgroup / ${perChunk}u % ${B * S * G}u;
  let part = workgroup / ${perChunk * B * S * G}u;
  ${placeOfGroup}
  ${blocks.placeOfThread}
  let scoreRow = index * CHUNK + firstRow;
  ${sums.declare}
  let firstHead = index % GROUPS * ${perGroup}u;
  let lastHead = firstHead + min(${perGroup}u, (part + 1u) * ${perPart}u);
  for (var own = firstHead + part * ${perPart}u; own < lastHead; own++) {
    head = own;
    ${loadTokens(shape)}
    ${pairs.declare}
    ${blocks.open(pairs)}
    ${blocks.multiply(cotangents.along('firstRow'), inputs.along('firstColumn'), pairs, '0u', 'WIDTH')}
    ${blocks.settle(pairs)}
    ${blocks.rows(i => `var row${i} = 0.0;`).join(' ')}
    var column0 = vec4f(); var column1 = vec4f();
    ${pairs.each(
      (pair, i, c) => `{
      let line = firstRow + ${blocks.rowOf(i)};
      let quad = firstColumn / 4u + ${blocks.quadOf(c)};
      let score = scores[(scoreRow + ${blocks.rowOf(i)}) * ${Q / 4}u + quad];
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
    ${blocks.sumRows(
      'rowSum',
      blocks.rows(i => `row${i}`),
    )}
    ${blocks.sumColumns('columnSum', ['column0', 'column1'])}
    if (local < ${BLOCK}u) {
      logSums[firstColumn / ${BLOCK}u * ${heads * Q}u + at + firstRow + local] = rowSum;
      logSums[${columns}u + firstRow / ${BLOCK}u * ${heads * Q}u + at + firstColumn + local] = columnSum;
    }
  }
  let row = part * ${B * S * G * Q}u + scoreRow;
  ${sums.each((sum, i, c) => `${to}[(row + ${blocks.rowOf(i)}) * ${Q / 4}u + firstColumn / 4u + ${blocks.quadOf(c)}] = ${sum};`)}
}`,
  };
}

export function chunksBackward(shape: SsdShape): Plan {
  const {B, S, H, P, N, Q, rowBlocks, present, limits} = shape;
  const pairParts = partsOfHeads(shape, rowBlocks * rowBlocks);
  const words = scoreWords(shape);
  const shared = sharedGradientPasses(shape);
  const steps = stepGradientPasses(shape);
  return {
    scratch: {
      steps: 2 * stepVectors(shape),
      scores: words,
      gradStates: B * S * H * P * N,
      tokenSums: 4 * B * S * H * Q,
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
