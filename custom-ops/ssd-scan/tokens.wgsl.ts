// What tokens are to a head: step sizes and decays before the products, and the gradient of step sizes behind them. A workgroup
// takes a head of a chunk, a thread a token.

import {presentBindings} from '../wgsl/bindings.js';
import {rootSigmoid, softplus} from '../wgsl/maths.js';
import type {Pass} from '../wgsl/plan.js';
import {floatLiteral, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {rowSumPass} from '../wgsl/reduce.js';
import {NO_MOST} from './attributes.js';
import {BLOCK} from './blocks.wgsl.js';
import type {SsdShape} from './ssd-shape.wgsl.js';
import {placeOfHead, ssdConstants} from './ssd-shape.wgsl.js';

/** log2(e): decays are powers of two. */
const LOG2E = floatLiteral(Math.LOG2E);
/** A token's decay as a power of two is at least this: smaller ones are 0, and sums of them would lose what follows. */
const LEAST_DECAY = '-150.0f';

/** WGSL of `running(value, local)`: the sum of the values of threads up to this one; all threads must call it. */
const runningSum = ({Q}: SsdShape): string => `
var<workgroup> run: array<f32, ${Q}>;
fn running(value: f32, local: u32) -> f32 {
  var sum = value;
  for (var reach = 1u; reach < ${Q}u; reach *= 2u) {
    run[local] = sum;
    workgroupBarrier();
    if (local >= reach) { sum += run[local - reach]; }
    workgroupBarrier();
  }
  return sum;
}
fn totalOf(sum: f32, local: u32) -> f32 {
  run[local] = sum;
  workgroupBarrier();
  let total = run[${Q - 1}];
  workgroupBarrier();
  return total;
}`;

/** WGSL that declares `raw`, the step size before softplus, of the thread's token. */
function rawStep({present}: SsdShape): string {
  const bias = present.has('deltaBias') ? ' + deltaBias[head]' : '';
  return `let place = min(batch * TOKENS + chunk * CHUNK + local, BATCH * TOKENS - 1u) * HEADS + head;
  let raw = delta[place]${bias};`;
}

/** Vectors of `steps`. */
export const stepVectors = ({B, S, H, Q}: SsdShape): number => B * S * H * Q + H;

/** WGSL of a head's skip weight, which stands behind the steps of all tokens. */
export const skipWeight = ({B, S, H, Q}: SsdShape): string => `steps[${B * S * H * Q}u + head].x`;

/**
 * Writes `steps` [B, S, H, Q], the decay from the chunk's start through each token as a power of two and its step size, and
 * behind them D of each head.
 */
export function stepsPass(shape: SsdShape): Pass {
  const {B, H, S, Q, attrs, present, limits} = shape;
  const least = attrs.deltaLeast > 0 ? `step = max(step, ${floatLiteral(attrs.deltaLeast)});` : '';
  const most = attrs.deltaMost < NO_MOST ? `step = min(step, ${floatLiteral(attrs.deltaMost)});` : '';
  return {
    name: 'ssdScan steps',
    read: {delta: 'f32', A: 'f32', ...presentBindings(['deltaBias', 'D'], present)},
    write: {steps: 'vec2f'},
    workgroups: spread(B * S * H, limits),
    code: `
${ssdConstants(shape)}
${softplus}
${runningSum(shape)}
@compute @workgroup_size(${Q})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = min(workgroup, ${B * S * H - 1}u);
  ${placeOfHead}
  ${rawStep(shape)}
  var step = softplus(raw);
  ${least}
  ${most}
  if (local >= tokensOfChunk()) { step = 0.0; }
  let own = step * A[head] * ${LOG2E};
  let decay = running(select(own, ${LEAST_DECAY}, own < ${LEAST_DECAY}), local);
  steps[headOfChunk() * CHUNK + local] = vec2f(decay, step);
  if (workgroup < HEADS && local == 0u) { ${skipWeight(shape)} = ${present.has('D') ? 'D[head]' : '0.0'}; }
}`,
  };
}

/**
 * Words of `logSums`, what the decay of each token is worth: sums of W over rows [blocks, B, S, H, Q] and from `columns` over
 * columns, from `states` what each token reads of the state before the chunk [blocks of N, B, S, H, Q], from `through` what
 * passes through the chunk [B, S, H].
 */
export function logSumsLayout({B, H, S, Q, rowBlocks, stateBlocks}: SsdShape) {
  const heads = B * S * H;
  const columns = rowBlocks * heads * Q;
  const states = 2 * columns;
  const through = states + stateBlocks * heads * Q;
  return {heads, columns, states, through, words: through + heads};
}

/**
 * Gradients of delta, and parts of those of A, deltaBias and D, from sums over pairs and states: `tokenSums` [B, S, H, Q] holds
 * x v, x u and x gradY of each token, `logSums` what {@link logSumsLayout} says.
 */
export function stepGradientPasses(shape: SsdShape): {passes: Pass[]; scratch: Record<string, number>} {
  const {B, H, S, Q, attrs, present, limits, rowBlocks, stateBlocks} = shape;
  const {heads, columns, states, through} = logSumsLayout(shape);
  const part = heads * Q;
  const bounds = [
    attrs.deltaLeast > 0 ? `free < ${floatLiteral(attrs.deltaLeast)}` : '',
    attrs.deltaMost < NO_MOST ? `free > ${floatLiteral(attrs.deltaMost)}` : '',
  ].filter(bound => bound !== '');
  const slope =
    bounds.length === 0 ? 'rootSigmoid(raw)' : `select(rootSigmoid(raw), 0.0, ${bounds.join(' || ')})`;
  const tokens: Pass = {
    name: 'ssdScan gradient of steps',
    read: {
      ...{delta: 'f32', A: 'f32', ...presentBindings(['deltaBias'], present)},
      ...{steps: 'vec2f', tokenSums: 'vec4f', logSums: 'f32'},
    },
    write: {gradDelta: 'f32', headSums: 'f32'},
    workgroups: spread(heads, limits),
    code: `
${ssdConstants(shape)}
${softplus}
${rootSigmoid}
${runningSum(shape)}
@compute @workgroup_size(${Q})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = min(workgroup, ${heads - 1}u);
  ${placeOfHead}
  ${rawStep(shape)}
  let at = headOfChunk() * CHUNK + local;
  let step = steps[at].y;
  let sums = tokenSums[at];
  let block = local / ${BLOCK}u;
  // Rows: pairs with earlier tokens, and the state before the chunk; behind them what passes through it.
  var later = 0.0;
  for (var part = 0u; part < ${rowBlocks}u; part++) {
    if (part <= block) { later += logSums[part * ${part}u + at]; }
    if (part >= block) { later -= logSums[${columns}u + part * ${part}u + at]; }
  }
  for (var part = 0u; part < ${stateBlocks}u; part++) { later += logSums[${states}u + part * ${part}u + at]; }
  if (local >= tokensOfChunk()) { later = 0.0; }
  let own = step * sums.x;
  let before = running(own, local) - own;
  // The sum of this token and those behind it.
  var open = later;
  for (var reach = 1u; reach < CHUNK; reach *= 2u) {
    run[local] = open;
    workgroupBarrier();
    if (local + reach < CHUNK) { open += run[local + reach]; }
    workgroupBarrier();
  }
  let gradLog = logSums[${through}u + headOfChunk()] + before + open;
  ${bounds.length === 0 ? '' : 'let free = softplus(raw);'}
  let isOwn = local < tokensOfChunk();
  let rootSlope = ${slope};
  let gradRaw = select(0.0, (sums.y + gradLog * A[head]) * rootSlope * rootSlope, isOwn);
  if (isOwn) { gradDelta[place] = gradRaw; }
  let row = (batch * CHUNKS + chunk) * 3u * HEADS + head;
  let sumA = totalOf(running(gradLog * step, local), local);
  let sumBias = totalOf(running(gradRaw, local), local);
  let sumD = totalOf(running(sums.z, local), local);
  if (local == 0u) {
    headSums[row] = sumA;
    headSums[row + HEADS] = sumBias;
    headSums[row + 2u * HEADS] = sumD;
  }
}`,
  };
  const optional = [
    {name: 'gradDeltaBias', given: 'deltaBias', part: 1},
    {name: 'gradD', given: 'D', part: 2},
  ].filter(({given}) => present.has(given));
  const store = optional.map(
    ({name, part}) =>
      `if (column >= ${part * H}u && column < ${(part + 1) * H}u) { ${name}[column - ${part * H}u] = total; }`,
  );
  const sum = rowSumPass(
    {
      name: 'ssdScan gradients of heads',
      from: 'headSums',
      rows: B * S,
      columns: 3 * H,
      write: {gradA: 'f32', ...Object.fromEntries(optional.map(({name}) => [name, 'f32' as const]))},
      store: [`if (column < ${H}u) { gradA[column] = total; }`, ...store].join(' '),
    },
    limits,
  );
  return {passes: [tokens, sum], scratch: {headSums: 3 * heads}};
}
