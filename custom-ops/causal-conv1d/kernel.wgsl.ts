// causalConv1d on the GPU: a thread for each token and channel; the weight's gradient as sums over blocks of tokens.

import {presentBindings} from '../wgsl/bindings.js';
import {sigmoid} from '../wgsl/maths.js';
import type {GpuKernel, Pass, Plan, PlanRequest} from '../wgsl/plan.js';
import {constants, powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {rowSumPass} from '../wgsl/reduce.js';
import type {CausalConvAttributes} from './attributes.js';

type Request = PlanRequest<CausalConvAttributes>;

const THREADS = 256;
/** Tokens whose contributions to the weight's gradient one workgroup adds up. */
const BLOCK = 256;

/** WGSL of `inputAt(batch, t, e)`, where t may reach back into the initial state, and `sumAt`, before the activation. */
function window(request: Request): string {
  const {B, L, E, K} = request.dims;
  return `
${constants({BATCH: B, TOKENS: L, CHANNELS: E, TAPS: K})}
${sigmoid}
fn inputAt(batch: u32, t: i32, e: u32) -> f32 {
  if (t >= 0) { return x[(batch * TOKENS + u32(t)) * CHANNELS + e]; }
  ${request.present.has('initialState') ? 'return initialState[(batch * (TAPS - 1u) + u32(t + i32(TAPS) - 1)) * CHANNELS + e];' : 'return 0.0;'}
}`;
}

const taps = (request: Request): string => `
fn sumAt(batch: u32, t: i32, e: u32) -> f32 {
  var total = ${request.present.has('bias') ? 'bias[e]' : '0.0'};
  for (var j = 0u; j < TAPS; j++) { total += weight[j * CHANNELS + e] * inputAt(batch, t + i32(j) - i32(TAPS) + 1, e); }
  return total;
}`;

function forward(request: Request): Plan {
  const {B, L, E, K} = request.dims;
  const outputs = B * L * E;
  const states = B * (K - 1) * E;
  const activate =
    request.attrs.activation === 'silu' ? 'y[index] = total * sigmoid(total);' : 'y[index] = total;';
  return {
    passes: [
      {
        name: 'causalConv1d',
        read: {x: 'f32', weight: 'f32', ...presentBindings(['bias', 'initialState'], request.present)},
        write: {y: 'f32', ...(K > 1 ? {finalState: 'f32'} : {})},
        workgroups: spread(Math.ceil((outputs + states) / THREADS), request.limits),
        code: `
${window(request)}
${taps(request)}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  var index = workgroup * ${THREADS}u + local;
  if (index < ${outputs}u) {
    let total = sumAt(index / CHANNELS / TOKENS, i32(index / CHANNELS % TOKENS), index % CHANNELS);
    ${activate}
    return;
  }
  ${
    K > 1
      ? `index -= ${outputs}u;
  if (index >= ${states}u) { return; }
  let row = index / CHANNELS % (TAPS - 1u);
  finalState[index] = inputAt(index / CHANNELS / (TAPS - 1u), i32(TOKENS + row) - i32(TAPS) + 1, index % CHANNELS);`
      : ''
  }
}`,
      },
    ],
  };
}

/** Cotangent before the activation. */
function innerPass(request: Request): Pass {
  const {B, L, E} = request.dims;
  return {
    name: 'causalConv1d cotangent',
    read: {
      x: 'f32',
      weight: 'f32',
      ...presentBindings(['bias', 'initialState'], request.present),
      gradY: 'f32',
    },
    write: {inner: 'f32'},
    workgroups: spread(Math.ceil((B * L * E) / THREADS), request.limits),
    code: `
${window(request)}
${taps(request)}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * ${THREADS}u + local;
  if (index >= ${B * L * E}u) { return; }
  ${
    request.attrs.activation === 'silu'
      ? `let total = sumAt(index / CHANNELS / TOKENS, i32(index / CHANNELS % TOKENS), index % CHANNELS);
  let s = sigmoid(total);
  inner[index] = gradY[index] * s * (1.0 + total * (1.0 - s));`
      : 'inner[index] = gradY[index];'
  }
}`,
  };
}

function inputPass(request: Request): Pass {
  const {B, L, E, K} = request.dims;
  const hasState = request.present.has('initialState') && K > 1;
  const rows = hasState ? L + K - 1 : L;
  return {
    name: 'causalConv1d gradients of inputs',
    read: {weight: 'f32', inner: 'f32', ...(K > 1 ? {gradFinalState: 'f32'} : {})},
    write: {gradX: 'f32', ...(hasState ? {gradInitialState: 'f32'} : {})},
    workgroups: spread(Math.ceil((B * rows * E) / THREADS), request.limits),
    code: `
${constants({TOKENS: L, CHANNELS: E, TAPS: K, ROWS: rows})}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * ${THREADS}u + local;
  if (index >= ${B * rows * E}u) { return; }
  let e = index % CHANNELS;
  let batch = index / CHANNELS / ROWS;
  let t = i32(index / CHANNELS % ROWS) - i32(ROWS - TOKENS);
  var total = 0.0;
  for (var j = 0; j < i32(TAPS); j++) {
    if (t + j >= 0 && t + j < i32(TOKENS)) {
      total += inner[(batch * TOKENS + u32(t + j)) * CHANNELS + e] * weight[(TAPS - 1u - u32(j)) * CHANNELS + e];
    }
  }
  ${
    K > 1
      ? `let kept = t - i32(TOKENS) + i32(TAPS) - 1;
  if (kept >= 0) { total += gradFinalState[(batch * (TAPS - 1u) + u32(kept)) * CHANNELS + e]; }`
      : ''
  }
  if (t >= 0) { gradX[(batch * TOKENS + u32(t)) * CHANNELS + e] = total; }
  ${hasState ? 'else { gradInitialState[(batch * (TAPS - 1u) + u32(t + i32(TAPS) - 1)) * CHANNELS + e] = total; }' : ''}
}`,
  };
}

/** Gradients of weight and bias: [blocks, K + 1, E], the last row of each block for the bias. */
function weightPass(request: Request): {pass: Pass; blocks: number} {
  const {B, L, E, K} = request.dims;
  const columns = Math.min(powerOfTwo(E), 64);
  const lanes = THREADS / columns;
  const tiles = Math.ceil(E / columns);
  const blocks = Math.ceil((B * L) / BLOCK);
  const each = (text: (j: number) => string): string =>
    Array.from({length: K}, (_, j) => text(j)).join('\n    ');
  const pass: Pass = {
    name: 'causalConv1d gradient of weight by blocks',
    read: {x: 'f32', ...presentBindings(['initialState'], request.present), inner: 'f32'},
    write: {partials: 'f32'},
    workgroups: spread(blocks * tiles, request.limits),
    code: `
${window(request)}
var<workgroup> sums: array<f32, ${THREADS}>;
fn finish(row: u32, value: f32, block: u32, e: u32, local: u32) {
  sums[local] = value;
  workgroupBarrier();
  if (local < ${columns}u && e < CHANNELS) {
    var total = value;
    for (var lane = 1u; lane < ${lanes}u; lane++) { total += sums[lane * ${columns}u + local]; }
    partials[(block * ${K + 1}u + row) * CHANNELS + e] = total;
  }
  workgroupBarrier();
}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${blocks * tiles}u) { return; }
  let block = workgroup / ${tiles}u;
  let e = (workgroup % ${tiles}u) * ${columns}u + local % ${columns}u;
  let stop = min(BATCH * TOKENS, (block + 1u) * ${BLOCK}u);
  var total = 0.0;
  ${each(j => `var total${j} = 0.0;`)}
  if (e < CHANNELS) {
    for (var row = block * ${BLOCK}u + local / ${columns}u; row < stop; row += ${lanes}u) {
      let g = inner[row * CHANNELS + e];
      let batch = row / TOKENS;
      let t = i32(row % TOKENS);
      ${each(j => `total${j} += g * inputAt(batch, t + ${j - K + 1}, e);`)}
      total += g;
    }
  }
  ${each(j => `finish(${j}u, total${j}, block, e, local);`)}
  finish(${K}u, total, block, e, local);
}`,
  };
  return {pass, blocks};
}

function backward(request: Request): Plan {
  const {B, L, E, K} = request.dims;
  const weights = weightPass(request);
  const hasBias = request.present.has('bias');
  return {
    scratch: {inner: B * L * E, partials: weights.blocks * (K + 1) * E},
    passes: [
      innerPass(request),
      inputPass(request),
      weights.pass,
      rowSumPass(
        {
          name: 'causalConv1d gradient of weight',
          from: 'partials',
          rows: weights.blocks,
          columns: (K + 1) * E,
          write: {gradWeight: 'f32', ...(hasBias ? {gradBias: 'f32'} : {})},
          store: `if (column < ${K * E}u) { gradWeight[column] = total; }
    ${hasBias ? `else { gradBias[column - ${K * E}u] = total; }` : ''}`,
        },
        request.limits,
      ),
    ],
  };
}

export const causalConv1dGpu: GpuKernel<CausalConvAttributes> = {forward, backward};
