// memoryAttention forward of one query for each sequence, as a step of decoding has it: its keys are shared out among
// workgroups, since heads alone are too few to keep memory busy, and what each found is joined by peaks and normalisers.

import type {Pass, Plan} from '../wgsl/plan.js';
import {powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {MemoryAttentionAttributes} from './attributes.js';
import type {AttentionRequest, Geometry} from './geometry.wgsl.js';
import {loadRow, rowBindings, storeRow, unroll} from './geometry.wgsl.js';
import {keyTiles, tilesFunction} from './key-tiles.wgsl.js';

/** Of a key that is not seen, and of no key yet: less than any score, and their difference is finite. */
const HIDDEN = '-1e30';
const LOWEST = '-1e29';

/** Threads of a workgroup, at most. */
const MOST_THREADS = 128;
/** Keys of a workgroup, at most. */
const MOST_KEYS = 64;
/** Threads that share a key: together they read 256 bytes of it at a time. */
const MOST_LANES = 16;
/** Vectors of keys, and as many of values, that a thread has on their way at a time. */
const AHEAD = 8;

/** How the keys of a workgroup are shared among its threads. */
interface Cut {
  /** Threads that share a key, and vectors of it that each has. */
  readonly lanes: number;
  readonly spans: number;
  /** Keys that are read side by side, and how many a thread reads in turn. */
  readonly abreast: number;
  readonly turns: number;
  readonly keys: number;
  readonly threads: number;
}

/** For rows of so many vectors. */
export function keyCut(vectors: number): Cut {
  const lanes = Math.min(MOST_LANES, powerOfTwo(vectors));
  const spans = Math.ceil(vectors / lanes);
  const threads = Math.min(MOST_THREADS, lanes * MOST_KEYS);
  const abreast = threads / lanes;
  const turns = Math.max(1, Math.min(Math.floor(AHEAD / spans), MOST_KEYS / abreast));
  return {lanes, spans, abreast, turns, keys: abreast * turns, threads};
}

/** Workgroups that share the keys of a head, at most. */
function mostParts({M, me, hasFading}: Geometry, attrs: MemoryAttentionAttributes, {keys}: Cut): number {
  const faded = !hasFading ? 0 : attrs.fading === 'sliding' ? attrs.window : attrs.fadingTokens;
  const seen = [Math.min(attrs.window, M), Math.min(faded, M), me];
  return seen.reduce((parts, count) => parts + Math.ceil(count / keys), 0);
}

/** WGSL of what both passes know: how many parts the keys that the query sees make. */
function tiles(g: Geometry, attrs: MemoryAttentionAttributes): string {
  return `
  let chunk = 0;
  let firstOfBlock = 0;
  let lastOfBlock = 0;
  ${keyTiles(g, attrs)}
  let parts = u32(windowTiles + fadingTiles + storedTiles);`;
}

const vectorOf =
  ({lanes}: Cut) =>
  (c: number) =>
    `(lane + ${c * lanes}u)`;

/** Of each part: the sum of its values by weights that are 1 for the largest score, that score and the sum of the weights. */
function partPass({attrs, limits}: AttentionRequest, g: Geometry, cut: Cut, most: number): Pass {
  const {lanes, spans, abreast, turns, keys, threads} = cut;
  const reach = lanes * spans;
  const vector = vectorOf(cut);
  const everyVector = (line: (turn: number, c: number) => string): string =>
    unroll(turns, turn => unroll(spans, c => line(turn, c)));
  const load = (kName: string, vName: string): string =>
    everyVector((turn, c) => {
      const row = `(batch * rows() + u32(row${turn})) * GROUPS + group`;
      return `if (row${turn} != NOWHERE) { k${turn}_${c} = ${loadRow(kName, row, vector(c), g.Dh, reach)}; v${turn}_${c} = ${loadRow(vName, row, vector(c), g.Dh, reach)}; }`;
    });
  return {
    name: 'memoryAttention',
    read: {
      ...rowBindings(['q', 'k', 'v', ...(g.hasFading ? ['kFading', 'vFading'] : [])], g.Dh),
      ...(g.hasEidetic ? {positions: 'i32'} : {}),
    },
    write: {found: 'vec4f'},
    uniforms: [...g.uniformNames, 'most'],
    numbers: {most},
    workgroups: spread(g.B * g.G * most, limits),
    code: `
${g.code}
${tilesFunction(keys)}
const NOWHERE: i32 = -1;
var<workgroup> products: array<f32, ${keys * (lanes + 1)}>;
var<workgroup> scores: array<f32, ${keys}>;
var<workgroup> weights: array<f32, ${keys}>;
var<workgroup> sums: array<vec4f, ${threads}>;
@compute @workgroup_size(${threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let most = u32(uniforms.most);
  let part = workgroup % most;
  let group = workgroup / most % GROUPS;
  let batch = workgroup / most / GROUPS;
  ${tiles(g, attrs)}
  if (batch >= BATCH || part >= parts) { return; }
  let t = i32(part);
  let isWindow = t < windowTiles;
  let isFading = !isWindow && t < windowTiles + fadingTiles;
  let lane = local % ${lanes}u;
  let place = local / ${lanes}u;
  ${unroll(
    turns,
    turn => `
  let key${turn} = place + ${turn * abreast}u;
  var row${turn} = NOWHERE;
  if (isWindow) {
    row${turn} = windowFirst + t * ${keys} + i32(key${turn});
    if (row${turn} > blockLastRow) { row${turn} = NOWHERE; }
  } else if (isFading) {
    row${turn} = fadingFirst + (t - windowTiles) * ${keys} + i32(key${turn});
    if (row${turn} > fadingLast) { row${turn} = NOWHERE; }
  } else {
    let stored = u32(t - windowTiles - fadingTiles) * ${keys}u + key${turn};
    ${g.hasEidetic ? `if (stored < SLOTS) { row${turn} = max(NOWHERE, positions[batch * SLOTS + stored]); }` : ''}
  }`,
  )}
  ${everyVector((turn, c) => `var k${turn}_${c} = vec4f(); var v${turn}_${c} = vec4f();`)}
  ${g.hasFading ? `if (isFading) {\n${load('kFading', 'vFading')}\n  } else {` : '{'}
${load('k', 'v')}
  }
  for (var member = 0u; member < REPEATS; member++) {
    let queryRow = batch * HEADS + group * REPEATS + member;
    ${unroll(spans, c => `let q${c} = ${Math.LOG2E}f * SCALE * ${loadRow('q', 'queryRow', vector(c), g.Dh, reach)};`)}
    ${unroll(turns, turn => `products[key${turn} * ${lanes + 1}u + lane] = ${Array.from({length: spans}, (_, c) => `dot(q${c}, k${turn}_${c})`).join(' + ')};`)}
    ${unroll(turns, turn => `if (lane == 0u) { scores[key${turn}] = select(0.0, ${HIDDEN}, row${turn} == NOWHERE); }`)}
    workgroupBarrier();
    if (local < ${keys}u) {
      var score = scores[local];
      for (var sharer = 0u; sharer < ${lanes}u; sharer++) { score += products[local * ${lanes + 1}u + sharer]; }
      scores[local] = score;
    }
    workgroupBarrier();
    var peak = f32(${LOWEST});
    for (var key = 0u; key < ${keys}u; key++) { peak = max(peak, scores[key]); }
    if (local < ${keys}u) { weights[local] = exp2(scores[local] - peak); }
    workgroupBarrier();
    let at = (queryRow * most + part) * ${g.vectors + 1}u;
    if (local == 0u) {
      var total = 0.0;
      for (var key = 0u; key < ${keys}u; key++) { total += weights[key]; }
      found[at + ${g.vectors}u] = vec4f(peak, total, 0.0, 0.0);
    }
    ${unroll(
      spans,
      c => `
    sums[local] = ${Array.from({length: turns}, (_, turn) => `weights[key${turn}] * v${turn}_${c}`).join(' + ')};
    workgroupBarrier();
    if (place == 0u${reach > g.vectors ? ` && ${vector(c)} < ${g.vectors}u` : ''}) {
      var sum = sums[local];
      for (var other = 1u; other < ${abreast}u; other++) { sum += sums[other * ${lanes}u + local]; }
      found[at + ${vector(c)}] = sum;
    }
    workgroupBarrier();`,
    )}
  }
}`,
  };
}

/** What the parts found, as one softmax: a workgroup for each head. */
function joinPass({attrs, limits}: AttentionRequest, g: Geometry, cut: Cut, most: number): Pass {
  const {lanes, spans, abreast, keys, threads} = cut;
  const reach = lanes * spans;
  const vector = vectorOf(cut);
  return {
    name: 'memoryAttention joined',
    read: {found: 'vec4f'},
    write: {...rowBindings(['out'], g.Dh), logSumExp: 'f32'},
    uniforms: [...g.uniformNames, 'most'],
    numbers: {most},
    workgroups: spread(g.B * g.H, limits),
    code: `
${g.code}
${tilesFunction(keys)}
var<workgroup> peaks: array<f32, ${threads}>;
var<workgroup> totals: array<f32, ${threads}>;
var<workgroup> sums: array<vec4f, ${threads}>;
@compute @workgroup_size(${threads})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let queryRow = workgroup;
  if (queryRow >= BATCH * HEADS) { return; }
  let most = u32(uniforms.most);
  ${tiles(g, attrs)}
  let lane = local % ${lanes}u;
  let place = local / ${lanes}u;
  let line = queryRow * most;
  var highest = f32(${LOWEST});
  for (var part = local; part < parts; part += ${threads}u) {
    highest = max(highest, found[(line + part) * ${g.vectors + 1}u + ${g.vectors}u].x);
  }
  peaks[local] = highest;
  workgroupBarrier();
  var peak = f32(${LOWEST});
  for (var one = 0u; one < min(parts, ${threads}u); one++) { peak = max(peak, peaks[one]); }
  var total = 0.0;
  ${unroll(spans, c => `var sum${c} = vec4f();`)}
  for (var part = place; part < parts; part += ${abreast}u) {
    let at = (line + part) * ${g.vectors + 1}u;
    let own = found[at + ${g.vectors}u];
    let fade = exp2(own.x - peak);
    total += fade * own.y;
    ${unroll(spans, c => `sum${c} += fade * found[at + min(${vector(c)}, ${g.vectors - 1}u)];`)}
  }
  totals[local] = total;
  ${unroll(
    spans,
    c => `
  sums[local] = sum${c};
  workgroupBarrier();
  if (place == 0u) {
    var whole = 0.0;
    var sum = vec4f();
    for (var other = 0u; other < ${abreast}u; other++) {
      whole += totals[other * ${lanes}u + local];
      sum += sums[other * ${lanes}u + local];
    }
    ${storeRow('out', 'queryRow', vector(c), '(sum / whole)', g.Dh, reach)}
    ${c === 0 ? `if (lane == 0u) { logSumExp[queryRow] = ${Math.LN2}f * (peak + log2(whole)); }` : ''}
  }
  workgroupBarrier();`,
  )}
}`,
  };
}

/** Undefined for more than one query. */
export function oneQueryPlan(request: AttentionRequest, g: Geometry): Plan | undefined {
  if (g.L > 1) return undefined;
  const cut = keyCut(g.vectors);
  const most = mostParts(g, request.attrs, cut);
  return {
    passes: [partPass(request, g, cut, most), joinPass(request, g, cut, most)],
    scratch: {found: 4 * g.B * g.H * most * (g.vectors + 1)},
  };
}
