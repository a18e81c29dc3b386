// The selective scan's gradient, chunk by chunk from the saved states, without atomics: the adjoint is carried backwards
// over chunks as the state is forwards, and sums over channels (for B and C) or over time (for A, D and the bias) are
// written as partial results and added in a fixed order.
//
// Scratch, in vec4f with Q = ceil(N / 4): `channels` [E, Q+1] holds A and (D, bias); `tokens` [B, L, 2Q] holds B and C;
// `ends` [B, K, E, 2Q] holds each chunk's first state and the adjoint of its last one.

import {presentBindings} from '../wgsl/bindings.js';
import type {Pass, Plan} from '../wgsl/plan.js';
import {powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {rowSumPass} from '../wgsl/reduce.js';
import {store4} from '../wgsl/rows.js';
import {chunksMainPass, loadStep, shapeConstants} from './chunks-backward-main.wgsl.js';
import type {ScanShape} from './scan-shape.js';
import {states4} from './scan-shape.js';
import {packPasses} from './states.wgsl.js';

/** What each chunk adds to the adjoint of the state before it, and its sum of step sizes. */
function localAdjointPass(shape: ScanShape): Pass {
  const {B, E, chunks, quads, present, limits} = shape;
  const threads = Math.min(powerOfTwo(E), 128);
  const tiles = Math.ceil(E / threads);
  const each = (text: (q: number) => string): string =>
    Array.from({length: quads}, (_, q) => text(q)).join('\n    ');
  return {
    name: 'selectiveScan chunk adjoints',
    read: {
      delta: 'f32',
      gradY: 'f32',
      ...presentBindings(['z'], present),
      channels: 'vec4f',
      tokens: 'vec4f',
    },
    write: {ends: 'vec4f', deltaSums: 'f32'},
    workgroups: spread(B * chunks * tiles, limits),
    code: `
${shapeConstants(shape)}
${loadStep(shape)}
@compute @workgroup_size(${threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let e = (workgroup % ${tiles}u) * ${threads}u + local;
  let chunk = workgroup / ${tiles}u % CHUNKS;
  let batch = workgroup / ${tiles}u / CHUNKS;
  if (batch >= BATCH || e >= CHANNELS) { return; }
  let bias = channels[e * (QUADS + 1u) + QUADS].y;
  ${each(q => `let a${q} = channels[e * (QUADS + 1u) + ${q}u]; var h${q} = vec4f();`)}
  var total = 0.0;
  let begin = chunk * CHUNK;
  for (var t = min(TOKENS, begin + CHUNK); t > begin; t--) {
    let token = batch * TOKENS + t - 1u;
    let d = stepSize(token * CHANNELS + e, bias);
    let g = gatedCotangent(token * CHANNELS + e);
    let row = token * 2u * QUADS + QUADS;
    ${each(q => `h${q} = exp(d * a${q}) * (h${q} + g * tokens[row + ${q}u]);`)}
    total += d;
  }
  let at = (batch * CHUNKS + chunk) * CHANNELS + e;
  ${each(q => `ends[at * 2u * QUADS + QUADS + ${q}u] = h${q};`)}
  deltaSums[at] = total;
}`,
  };
}

/** Carries the adjoint from chunk to chunk and puts the saved states beside it. */
function carryPass(shape: ScanShape): Pass {
  const {B, E, N, quads, present, limits} = shape;
  const initial = present.has('initialState')
    ? store4({name: 'gradInitialState', width: N, type: 'f32'}, 'channel', 'q', 'adjoint')
    : '';
  return {
    name: 'selectiveScan carry adjoint',
    read: {channels: 'vec4f', deltaSums: 'f32', chunkStates: 'f32', gradFinalState: 'f32'},
    write: {ends: 'vec4f', ...(present.has('initialState') ? {gradInitialState: 'f32'} : {})},
    workgroups: spread(Math.ceil((B * E * quads) / 256), limits),
    code: `
${shapeConstants(shape)}
@compute @workgroup_size(256)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * 256u + local;
  if (index >= ${B * E * quads}u) { return; }
  let q = index % QUADS;
  let e = index / QUADS % CHANNELS;
  let batch = index / QUADS / CHANNELS;
  let a = channels[e * (QUADS + 1u) + q];
  let channel = batch * CHANNELS + e;
  var adjoint = ${states4(shape, 'gradFinalState', 'channel', 'q')};
  for (var k = CHUNKS; k > 0u; k--) {
    let at = (batch * CHUNKS + k - 1u) * CHANNELS + e;
    let own = ends[at * 2u * QUADS + QUADS + q];
    ends[at * 2u * QUADS + QUADS + q] = adjoint;
    ends[at * 2u * QUADS + q] = ${states4(shape, 'chunkStates', 'at', 'q')};
    adjoint = exp(deltaSums[at] * a) * adjoint + own;
  }
  ${initial}
}`,
  };
}

export function chunksBackward(shape: ScanShape): Plan {
  const {B, L, E, N, quads, chunks, present, limits} = shape;
  const main = chunksMainPass(shape);
  const channelWords = E * (quads + 1) * 4;
  const tokenWords = B * L * 2 * quads * 4;
  const vector = (name: string): string =>
    present.has(name === 'gradD' ? 'D' : 'deltaBias') ? `${name}[e] = total;` : '';
  return {
    scratch: {
      channels: channelWords,
      tokens: tokenWords,
      ends: B * chunks * E * 2 * quads * 4,
      deltaSums: B * chunks * E,
      partials: B * chunks * channelWords + main.tiles * tokenWords,
    },
    passes: [
      ...packPasses(shape),
      localAdjointPass(shape),
      carryPass(shape),
      main.pass,
      rowSumPass(
        {
          name: 'selectiveScan gradients of channels',
          from: 'partials',
          rows: B * chunks,
          columns: channelWords,
          write: {
            gradA: 'f32',
            ...(present.has('D') ? {gradD: 'f32'} : {}),
            ...(present.has('deltaBias') ? {gradDeltaBias: 'f32'} : {}),
          },
          store: `
    let e = column / ${4 * (quads + 1)}u;
    let n = column % ${4 * (quads + 1)}u;
    if (n < ${N}u) { gradA[e * ${N}u + n] = total; }
    if (n == ${4 * quads}u) { ${vector('gradD')} }
    if (n == ${4 * quads + 1}u) { ${vector('gradDeltaBias')} }`,
        },
        limits,
      ),
      rowSumPass(
        {
          name: 'selectiveScan gradients of B and C',
          from: 'partials',
          offset: B * chunks * channelWords,
          rows: main.tiles,
          columns: tokenWords,
          write: {gradB: 'f32', gradC: 'f32'},
          store: `
    let token = column / ${8 * quads}u;
    let n = column % ${4 * quads}u;
    if (n < ${N}u) {
      if (column % ${8 * quads}u < ${4 * quads}u) { gradB[token * ${N}u + n] = total; }
      else { gradC[token * ${N}u + n] = total; }
    }`,
        },
        limits,
      ),
    ],
  };
}
