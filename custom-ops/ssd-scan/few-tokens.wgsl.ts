// Few tokens, as in decoding: the state is updated token by token, in registers. A row of the state belongs to some neighbouring
// threads.

import {presentBindings} from '../wgsl/bindings.js';
import type {Pass, Plan} from '../wgsl/plan.js';
import {powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {laneReductions, subgroupUse} from '../wgsl/reduce.js';
import {load4, quadsOf, store4} from '../wgsl/rows.js';
import type {SsdShape} from './ssd-shape.wgsl.js';
import {skipWeight, stepsPass, stepVectors} from './tokens.wgsl.js';

/** Above it products of blocks pay. */
export const FEW_TOKENS = 8;
const THREADS = 64;
/** Vectors of a row that a thread holds at most. */
const MOST_VECTORS = 4;

export function fewTokens(shape: SsdShape): Plan {
  const {B, L, H, P, G, N, Q, present, limits} = shape;
  const quads = quadsOf(N);
  const lanes = Math.min(THREADS, powerOfTwo(Math.ceil(quads / MOST_VECTORS)));
  const vectors = Math.ceil(quads / lanes);
  const rows = B * H * P;
  const perGroup = THREADS / lanes;
  const reach = lanes * vectors;
  const own = Array.from({length: vectors}, (_, v) => v);
  const quad = (v: number): string => `(lane + ${v * lanes}u)`;
  const load = (name: string, row: string, v: number): string =>
    load4({name, width: N, type: 'f32', reach}, row, quad(v));
  const store = (name: string, v: number): string =>
    store4({name, width: N, type: 'f32', reach}, 'row', quad(v), `state${v}`);
  const has = (name: string): boolean => present.has(name);
  const walk: Pass = {
    name: 'ssdScan token by token',
    read: {
      ...{x: 'f32', B: 'f32', C: 'f32', steps: 'vec2f'},
      ...presentBindings(['initialState'], present),
    },
    write: {y: 'f32', finalState: 'f32'},
    workgroups: spread(Math.ceil(rows / perGroup), limits),
    ...subgroupUse(limits),
    code: `
${laneReductions(lanes, THREADS, limits)}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let wanted = workgroup * ${perGroup}u + local / ${lanes}u;
  let isOwn = wanted < ${rows}u;
  let row = min(wanted, ${rows - 1}u);
  let lane = local % ${lanes}u;
  let p = row % ${P}u;
  let head = row / ${P}u % ${H}u;
  let batch = row / ${P * H}u;
  ${own.map(v => `var state${v} = ${has('initialState') ? load('initialState', 'row', v) : 'vec4f()'};`).join('\n  ')}
  var past = 0.0;
  for (var t = 0u; t < ${L}u; t++) {
    let token = batch * ${L}u + t;
    let tokenOfGroup = token * ${G}u + head / ${H / G}u;
    let step = steps[(batch * ${H}u + head) * ${Q}u + t];
    let decay = exp2(step.x - past);
    past = step.x;
    let input = x[(token * ${H}u + head) * ${P}u + p];
    var sum = 0.0;
    ${own
      .map(
        v => `state${v} = decay * state${v} + step.y * input * ${load('B', 'tokenOfGroup', v)};
    sum += dot(state${v}, ${load('C', 'tokenOfGroup', v)});`,
      )
      .join('\n    ')}
    let total = sumOverLanes(sum, local);
    if (isOwn && lane == 0u) { y[(token * ${H}u + head) * ${P}u + p] = total${has('D') ? ` + ${skipWeight(shape)} * input` : ''}; }
  }
  if (!isOwn) { return; }
  ${own.map(v => store('finalState', v)).join('\n  ')}
}`,
  };
  // The one chunk's state is the first one, for the gradient.
  const saved: Pass = {
    name: 'ssdScan first state',
    read: presentBindings(['initialState'], present),
    write: {chunkStates: 'f32'},
    workgroups: spread(Math.ceil((rows * N) / 256), limits),
    code: `
@compute @workgroup_size(256)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * 256u + local;
  if (index < ${rows * N}u) { chunkStates[index] = ${has('initialState') ? 'initialState[index]' : '0.0'}; }
}`,
  };
  return {scratch: {steps: 2 * stepVectors(shape)}, passes: [stepsPass(shape), walk, saved]};
}
