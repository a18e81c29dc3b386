// retrievedAttention backward: weights and their gradients place by place with the gradient of each query, then each row's
// gradient from the places that name it.

import type {Pass, Plan, PlanRequest} from '../wgsl/plan.js';
import {constants, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {load4, rowBindings, store4} from '../wgsl/rows.js';
import {orderPass} from './order.wgsl.js';
import {queryPass} from './query-teams.wgsl.js';

/**
 * `levels` [B, L, H]: logSumExp, and the product of output and cotangent less the cotangent of logSumExp, which is taken from
 * each weight's gradient.
 */
function levelsPass({dims: {B, L, H, Dh}, limits}: PlanRequest): Pass {
  const count = B * L * H;
  const vectors = Math.ceil(Dh / 4);
  const load = (name: string): string => load4({name, width: Dh, reach: vectors}, 'row', 'v');
  return {
    name: 'retrievedAttention products of output and cotangent',
    read: {...rowBindings(['out', 'gradOut'], Dh), logSumExp: 'f32', gradLogSumExp: 'f32'},
    write: {levels: 'vec2f'},
    workgroups: spread(Math.ceil(count / 64), limits),
    code: `
@compute @workgroup_size(64)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let row = workgroup * 64u + local;
  if (row >= ${count}u) { return; }
  var total = 0.0;
  for (var v = 0u; v < ${vectors}u; v++) { total += dot(${load('out')}, ${load('gradOut')}); }
  levels[row] = vec2f(logSumExp[row], total - gradLogSumExp[row]);
}`,
  };
}

/** gradQ, and `parts` [B, L, H, R]: each place's weight and the gradient of its score; zeros where it is empty. */
function queryGradient(request: PlanRequest): Pass {
  return queryPass(request, {
    name: 'retrievedAttention gradients of queries',
    readRows: ['gradOut'],
    read: {levels: 'vec2f'},
    writeRows: ['gradQ'],
    write: {parts: 'vec2f'},
    code: team => ({
      begin: `
  ${team.each(c => `let q${c} = SCALE * ${team.load('q', 'queryRow', c)}; let g${c} = ${team.load('gradOut', 'queryRow', c)}; var d${c} = vec4f();`)}
  let level = levels[queryRow];`,
      place: `
    ${team.each(c => `let k${c} = ${team.loadNamed('k', c)};`)}
    var score = 0.0;
    var gradWeight = 0.0;
    ${team.each(c => `score += dot(q${c}, k${c}); gradWeight += dot(g${c}, ${team.loadNamed('v', c)});`)}
    ${team.sum('score')}
    ${team.sum('gradWeight')}
    let weight = select(0.0, exp(min(score - level.x, 0.0)), isNamed);
    let gradScore = SCALE * weight * (gradWeight - level.y);
    ${team.each(c => `d${c} += gradScore * k${c};`)}
    if (isOwn && lane == 0u) { parts[queryRow * PLACES + r] = vec2f(weight, gradScore); }`,
      end: `
  if (isOwn) {
    ${team.each(c => team.store('gradQ', 'queryRow', c, `d${c}`))}
  }`,
    }),
  });
}

const THREADS = 64;

/** A workgroup for each row and group: streams of threads share the places that name it, and their sums are added up. */
function rowGradient({dims, limits}: PlanRequest): Pass {
  const {B, L, M, H, G, Dh, R} = dims;
  const vectors = Math.ceil(Dh / 4);
  const columns = Math.min(THREADS, 2 ** Math.ceil(Math.log2(vectors)));
  const streams = THREADS / columns;
  const spans = Math.ceil(vectors / columns);
  const load = (name: string): string => load4({name, width: Dh, reach: spans * columns}, 'queryRow', 'v');
  const walk = `
  var gradKey = vec4f();
  var gradValue = vec4f();
  for (var at = begin + stream; at < end; at += ${streams}u) {
    let place = order[at];
    let query = place / PLACES;
    for (var h = group * ${H / G}u; h < (group + 1u) * ${H / G}u; h++) {
      let queryRow = (batch * QUERIES + query) * HEADS + h;
      let part = parts[queryRow * PLACES + place % PLACES];
      gradKey += part.y * ${load('q')};
      gradValue += part.x * ${load('gradOut')};
    }
  }`;
  return {
    name: 'retrievedAttention gradients of rows',
    read: {...rowBindings(['q', 'gradOut'], Dh), parts: 'vec2f', starts: 'u32', order: 'u32'},
    write: rowBindings(['gradK', 'gradV'], Dh),
    workgroups: spread(B * M * G, limits),
    code: `
${constants({QUERIES: L, ROWS: M, HEADS: H, GROUPS: G, PLACES: R})}
var<workgroup> keySums: array<vec4f, ${THREADS}>;
var<workgroup> valueSums: array<vec4f, ${THREADS}>;
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${B * M * G}u) { return; }
  let group = workgroup % GROUPS;
  let row = workgroup / GROUPS % ROWS;
  let batch = workgroup / GROUPS / ROWS;
  let stream = local / ${columns}u;
  let list = batch * GROUPS + group;
  let begin = list * QUERIES * PLACES + starts[list * (ROWS + 1u) + row];
  let end = list * QUERIES * PLACES + starts[list * (ROWS + 1u) + row + 1u];
  for (var span = 0u; span < ${spans}u; span++) {
    let v = span * ${columns}u + local % ${columns}u;
    ${walk}
    keySums[local] = gradKey;
    valueSums[local] = gradValue;
    workgroupBarrier();
    if (stream == 0u && v < ${vectors}u) {
      for (var other = 1u; other < ${streams}u; other++) {
        gradKey += keySums[other * ${columns}u + local];
        gradValue += valueSums[other * ${columns}u + local];
      }
      ${store4({name: 'gradK', width: Dh, reach: spans * columns}, 'workgroup', 'v', 'gradKey')}
      ${store4({name: 'gradV', width: Dh, reach: spans * columns}, 'workgroup', 'v', 'gradValue')}
    }
    workgroupBarrier();
  }
}`,
  };
}

export function backward(request: PlanRequest): Plan {
  const {B, L, M, H, G, R} = request.dims;
  return {
    scratch: {
      levels: 2 * B * L * H,
      parts: 2 * B * L * H * R,
      starts: B * G * (M + 1),
      ranks: B * G * L * R,
      order: B * G * L * R,
    },
    passes: [levelsPass(request), queryGradient(request), orderPass(request), rowGradient(request)],
  };
}
