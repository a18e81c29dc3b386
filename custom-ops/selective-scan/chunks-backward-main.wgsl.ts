// The main pass of the selective scan's gradient: one workgroup for a chunk of time and a tile of channels, one thread
// for four states of a channel. States are recomputed forwards in runs of eight steps, held in registers, and the
// adjoint walks back over them. Sums over a channel's states and over the tile's channels go through workgroup memory.

import {presentBindings} from '../wgsl/bindings.js';
import {rootSigmoid, sigmoid, softplus} from '../wgsl/maths.js';
import type {Pass} from '../wgsl/plan.js';
import {constants, powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {CHUNK} from './attributes.js';
import type {ScanShape} from './scan-shape.js';

/** Steps whose states are in registers at once. */
const STEPS = 8;
/** Channels whose contributions one thread adds in one go. */
const RUN = 8;

export function shapeConstants({B, L, E, chunks, quads}: ScanShape): string {
  return constants({BATCH: B, TOKENS: L, CHANNELS: E, CHUNKS: chunks, QUADS: quads, CHUNK});
}

/** WGSL of the step size, gated cotangent and input at `index` of channel `e`; zeros beyond the end of time. */
export function loadStep({attrs, present}: ScanShape): string {
  return `
${softplus}
${rootSigmoid}
${sigmoid}
fn stepSize(index: u32, bias: f32) -> f32 {
  ${attrs.deltaSoftplus ? 'return softplus(delta[index] + bias);' : 'return delta[index] + bias;'}
}
fn gatedCotangent(index: u32) -> f32 {
  ${present.has('z') ? 'let gate = z[index]; return gradY[index] * gate * sigmoid(gate);' : 'return gradY[index];'}
}`;
}

export function chunksMainPass(shape: ScanShape): {pass: Pass; tiles: number} {
  const {B, L, E, chunks, quads, present, limits} = shape;
  const most = 2 ** Math.floor(Math.log2(256 / quads));
  const tile = Math.max(RUN, Math.min(powerOfTwo(E), 64, most));
  const threads = tile * quads;
  const tiles = Math.ceil(E / tile);
  const parts = tile / RUN;
  const sums = 8 * quads;
  const steps = Array.from({length: STEPS}, (_, i) => i);
  const channelVectors = E * (quads + 1);
  const forwardStep = (i: number): string => `
    let d${i} = tileD[${i}u * TILE + lane];
    let a${i} = exp(d${i} * a);
    let x${i} = d${i} * tileU[${i}u * TILE + lane];
    let p${i + 1} = a${i} * p${i} + x${i} * tileB[${i}u * QUADS + q];`;
  const backwardStep = (i: number): string => `
    {
      let g = tileG[${i}u * TILE + lane];
      let c = tileC[${i}u * QUADS + q];
      adjoint += g * c;
      let decayed = adjoint * a${i} * p${i};
      gradA += d${i} * decayed;
      exchangeB[local] = x${i} * adjoint;
      exchangeC[local] = g * p${i + 1};
      exchangeE[local] = vec3f(dot(adjoint, tileB[${i}u * QUADS + q]), dot(decayed, a), dot(c, p${i + 1}));
      adjoint *= a${i};
    }
    workgroupBarrier();
    addChannels(${i}u, local);
    finishStep(${i}u, begin + ${i}u, batch, firstChannel, local);
    workgroupBarrier();`;
  const pass: Pass = {
    name: 'selectiveScan gradient',
    read: {
      u: 'f32',
      delta: 'f32',
      gradY: 'f32',
      ...presentBindings(['z'], present),
      channels: 'vec4f',
      tokens: 'vec4f',
      ends: 'vec4f',
    },
    write: {gradU: 'f32', gradDelta: 'f32', ...(present.has('z') ? {gradZ: 'f32'} : {}), partials: 'f32'},
    workgroups: spread(B * chunks * tiles, limits),
    code: `
${shapeConstants(shape)}
${constants({TILE: tile, THREADS: threads, TILES: tiles, CHANNEL_VECTORS: channelVectors})}
const PARTIAL_TOKENS: u32 = ${B * chunks * channelVectors * 4}u;
${loadStep(shape)}
var<workgroup> tileU: array<f32, ${STEPS * tile}>;
var<workgroup> tileD: array<f32, ${STEPS * tile}>;
var<workgroup> tileG: array<f32, ${STEPS * tile}>;
var<workgroup> tileB: array<vec4f, ${STEPS * quads}>;
var<workgroup> tileC: array<vec4f, ${STEPS * quads}>;
var<workgroup> exchangeB: array<vec4f, ${threads}>;
var<workgroup> exchangeC: array<vec4f, ${threads}>;
var<workgroup> exchangeE: array<vec3f, ${threads}>;
var<workgroup> channelSums: array<f32, ${STEPS * sums * parts}>;
// Sums over time of gradD and of the step size's gradient, of channel firstChannel + local.
var<private> sumD: f32 = 0.0;
var<private> sumBias: f32 = 0.0;

fn loadTile(begin: u32, batch: u32, firstChannel: u32, local: u32) {
  for (var i = local; i < ${STEPS * tile}u; i += THREADS) {
    let t = begin + i / TILE;
    let e = firstChannel + i % TILE;
    var values = vec3f();
    if (t < TOKENS && e < CHANNELS) {
      let index = (batch * TOKENS + t) * CHANNELS + e;
      let bias = channels[e * (QUADS + 1u) + QUADS].y;
      values = vec3f(u[index], stepSize(index, bias), gatedCotangent(index));
    }
    tileU[i] = values.x;
    tileD[i] = values.y;
    tileG[i] = values.z;
  }
  for (var i = local; i < ${STEPS * quads}u; i += THREADS) {
    let t = begin + i / QUADS;
    let at = (batch * TOKENS + min(t, TOKENS - 1u)) * 2u * QUADS + i % QUADS;
    tileB[i] = select(vec4f(), tokens[at], t < TOKENS);
    tileC[i] = select(vec4f(), tokens[at + QUADS], t < TOKENS);
  }
}

// Each thread adds ${RUN} channels of one state's contribution to B's or C's gradient.
fn addChannels(step: u32, local: u32) {
  for (var i = local; i < ${sums * parts}u; i += THREADS) {
    let n = i % ${4 * quads}u;
    let isC = i / ${4 * quads}u % 2u == 1u;
    let part = i / ${sums}u;
    var total = 0.0;
    for (var k = 0u; k < ${RUN}u; k++) {
      let origin = (part * ${RUN}u + k) * QUADS + n / 4u;
      if (isC) { total += exchangeC[origin][n % 4u]; } else { total += exchangeB[origin][n % 4u]; }
    }
    channelSums[step * ${sums * parts}u + i] = total;
  }
}

// One thread for each channel adds over its states and writes the gradients of this step.
fn finishStep(step: u32, t: u32, batch: u32, firstChannel: u32, local: u32) {
  let e = firstChannel + local;
  if (local >= TILE || e >= CHANNELS || t >= TOKENS) { return; }
  var total = vec3f();
  for (var q = 0u; q < QUADS; q++) { total += exchangeE[local * QUADS + q]; }
  let index = (batch * TOKENS + t) * CHANNELS + e;
  let channel = channels[e * (QUADS + 1u) + QUADS];
  let x = tileU[step * TILE + local];
  let d = tileD[step * TILE + local];
  let g = tileG[step * TILE + local];
  gradU[index] = d * total.x + channel.x * g;
  var gradStep = x * total.x + total.y;
  ${
    shape.attrs.deltaSoftplus
      ? `let slope = rootSigmoid(delta[index] + channel.y);
  gradStep = gradStep * slope * slope;`
      : ''
  }
  gradDelta[index] = gradStep;
  ${
    present.has('z')
      ? `let gate = z[index];
  let s = sigmoid(gate);
  gradZ[index] = gradY[index] * (total.z + channel.x * x) * s * (1.0 + gate * (1.0 - s));`
      : ''
  }
  sumD += g * x;
  sumBias += gradStep;
}

@compute @workgroup_size(${threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let tileIndex = workgroup % TILES;
  let firstChannel = tileIndex * TILE;
  let chunk = workgroup / TILES % CHUNKS;
  let batch = workgroup / TILES / CHUNKS;
  if (batch >= BATCH) { return; }
  let q = local % QUADS;
  let lane = local / QUADS;
  let e = firstChannel + lane;
  let isOwn = e < CHANNELS;
  let channel = min(e, CHANNELS - 1u);
  let a = channels[channel * (QUADS + 1u) + q];
  let endsAt = ((batch * CHUNKS + chunk) * CHANNELS + channel) * 2u * QUADS + q;
  var state = select(vec4f(), ends[endsAt], isOwn);
  var adjoint = select(vec4f(), ends[endsAt + QUADS], isOwn);
  var gradA = vec4f();
  let first = chunk * CHUNK;
  let runs = (min(TOKENS - first, CHUNK) + ${STEPS - 1}u) / ${STEPS}u;
  var starts: array<vec4f, ${CHUNK / STEPS}>;
  for (var run = 0u; run < runs; run++) {
    starts[run] = state;
    if (run + 1u == runs) { break; }
    loadTile(first + run * ${STEPS}u, batch, firstChannel, local);
    workgroupBarrier();
    let p0 = state;
    ${steps.map(forwardStep).join('')}
    state = p${STEPS};
    workgroupBarrier();
  }
  for (var run = runs; run > 0u; run--) {
    let begin = first + (run - 1u) * ${STEPS}u;
    loadTile(begin, batch, firstChannel, local);
    workgroupBarrier();
    let p0 = starts[run - 1u];
    ${steps.map(forwardStep).join('')}
    ${[...steps].reverse().map(backwardStep).join('')}
    for (var i = local; i < ${STEPS * sums}u; i += THREADS) {
      let t = begin + i / ${sums}u;
      var total = 0.0;
      for (var part = 0u; part < ${parts}u; part++) {
        total += channelSums[(i / ${sums}u) * ${sums * parts}u + part * ${sums}u + i % ${sums}u];
      }
      if (t < TOKENS) {
        partials[PARTIAL_TOKENS + ((tileIndex * BATCH + batch) * TOKENS + t) * ${sums}u + i % ${sums}u] = total;
      }
    }
  }
  if (isOwn) {
    let at = ((batch * CHUNKS + chunk) * CHANNEL_VECTORS + e * (QUADS + 1u) + q) * 4u;
    partials[at] = gradA.x;
    partials[at + 1u] = gradA.y;
    partials[at + 2u] = gradA.z;
    partials[at + 3u] = gradA.w;
  }
  if (local < TILE && firstChannel + local < CHANNELS) {
    let at = ((batch * CHUNKS + chunk) * CHANNEL_VECTORS + (firstChannel + local) * (QUADS + 1u) + QUADS) * 4u;
    partials[at] = sumD;
    partials[at + 1u] = sumBias;
    partials[at + 2u] = 0.0;
    partials[at + 3u] = 0.0;
  }
}`,
  };
  if (L < 1) throw new Error('selectiveScan: L must be >= 1');
  return {pass, tiles};
}
