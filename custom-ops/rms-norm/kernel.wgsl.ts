// rmsNorm on the GPU: a team of lanes holds a token in registers, so that each number is read once. Backwards a workgroup's
// teams take several tokens in turn and add up what these contribute to the gain's gradient.

import type {GpuKernel, Pass, Plan, PlanRequest} from '../wgsl/plan.js';
import {constants, powerOfTwo, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import {laneReductions, rowSumPass, subgroupUse} from '../wgsl/reduce.js';
import {load4, quadsOf, rowType, store4} from '../wgsl/rows.js';
import type {RmsNormAttributes} from './attributes.js';

type Request = PlanRequest<RmsNormAttributes>;

const THREADS = 256;
/** Lanes that exchange values without a barrier on most devices. */
const TEAM = 32;
/** Vectors of a token that a lane holds, until all threads of a workgroup share one. */
const HELD = 8;
/** Workgroups that keep the processors of a large device busy; each leaves a part of the gain's gradient. */
const BUSY = 256;

interface Teams {
  readonly lanes: number;
  /** Vectors of a token that each lane holds. */
  readonly held: number;
  /** Tokens that a workgroup holds at a time, and how often it takes so many for a gradient. */
  readonly tokens: number;
  readonly turns: number;
}

export function teamsOf({B, L, D}: Request['dims']): Teams {
  const quads = quadsOf(D);
  const lanes = Math.min(THREADS, powerOfTwo(Math.max(Math.min(quads, TEAM), quads / HELD)));
  const tokens = THREADS / lanes;
  return {
    lanes,
    held: Math.ceil(quads / lanes),
    tokens,
    turns: Math.max(1, Math.ceil((B * L) / (tokens * BUSY))),
  };
}

/** WGSL of each vector that a lane holds, and of reading and writing it. */
function vectors({D}: Request['dims'], {lanes, held}: Teams) {
  const row = (name: string) => ({name, width: D, reach: lanes * held});
  const quad = (i: number): string => `lane + ${i * lanes}u`;
  return {
    each: (text: (i: number) => string): string => Array.from({length: held}, (_, i) => text(i)).join('\n  '),
    sum: (text: (i: number) => string): string => Array.from({length: held}, (_, i) => text(i)).join(' + '),
    load: (name: string, at: string, i: number): string => load4(row(name), at, quad(i)),
    store: (name: string, at: string, i: number, value: string): string =>
      store4(row(name), at, quad(i), value),
  };
}

function head({dims: {B, L, D}, limits}: Request, {lanes}: Teams): string {
  return `
${constants({ROWS: B * L, WIDTH: D, LANES: lanes})}
${laneReductions(lanes, THREADS, limits)}`;
}

function forward(request: Request): Plan {
  const {dims, attrs, limits} = request;
  const {B, L, D} = dims;
  const teams = teamsOf(dims);
  const {each, sum, load, store} = vectors(dims, teams);
  const pass: Pass = {
    name: 'rmsNorm',
    read: {x: rowType(D), gain: rowType(D)},
    write: {y: rowType(D), inverseRms: 'f32'},
    workgroups: spread(Math.ceil((B * L) / teams.tokens), limits),
    ...subgroupUse(limits),
    code: `
${head(request, teams)}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let lane = local % LANES;
  let row = workgroup * ${teams.tokens}u + local / LANES;
  let own = min(row, ROWS - 1u);
  ${each(i => `let x${i} = ${load('x', 'own', i)};`)}
  let squares = ${sum(i => `dot(x${i}, x${i})`)};
  let scale = 1.0 / sqrt(sumOverLanes(squares, local) / f32(WIDTH) + f32(${attrs.epsilon}));
  if (row >= ROWS) { return; }
  ${each(i => store('y', 'row', i, `x${i} * scale * ${load('gain', '0u', i)}`))}
  if (lane == 0u) { inverseRms[row] = scale; }
}`,
  };
  return {passes: [pass]};
}

function gradientsPass(request: Request, teams: Teams, workgroups: number): Pass {
  const {dims, limits} = request;
  const {lanes, tokens, turns} = teams;
  const {each, sum, load, store} = vectors(dims, teams);
  const rows = rowType(dims.D);
  return {
    name: 'rmsNorm gradients',
    read: {x: rows, gain: rows, inverseRms: 'f32', gradY: rows},
    write: {gradX: rows, parts: rows},
    workgroups: spread(workgroups, limits),
    ...subgroupUse(limits),
    code: `
${head(request, teams)}
var<workgroup> teamSums: array<vec4f, ${THREADS}>;
fn sumOverTeams(value: vec4f, local: u32) -> vec4f {
  teamSums[local] = value;
  workgroupBarrier();
  var total = teamSums[local % LANES];
  for (var at = local % LANES + LANES; at < ${THREADS}u; at += LANES) { total += teamSums[at]; }
  workgroupBarrier();
  return total;
}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  if (workgroup >= ${workgroups}u) { return; }
  let lane = local % LANES;
  ${each(i => `let gain${i} = ${load('gain', '0u', i)}; var sum${i} = vec4f();`)}
  for (var turn = 0u; turn < ${turns}u; turn++) {
    let row = (workgroup * ${turns}u + turn) * ${tokens}u + local / LANES;
    let own = min(row, ROWS - 1u);
    let scale = inverseRms[own];
    ${each(i => `let n${i} = scale * ${load('x', 'own', i)};`)}
    ${each(i => `let cotangent${i} = ${load('gradY', 'own', i)};`)}
    ${each(i => `let h${i} = cotangent${i} * gain${i};`)}
    let mean = sumOverLanes(${sum(i => `dot(h${i}, n${i})`)}, local) / f32(WIDTH);
    if (row < ROWS) {
      ${each(i => store('gradX', 'row', i, `scale * (h${i} - n${i} * mean)`))}
      ${each(i => `sum${i} += cotangent${i} * n${i};`)}
    }
  }
  ${each(i => `let total${i} = sumOverTeams(sum${i}, local);`)}
  if (local >= ${lanes}u) { return; }
  ${each(i => store('parts', 'workgroup', i, `total${i}`))}
}`,
  };
}

function backward(request: Request): Plan {
  const {dims, limits} = request;
  const {B, L, D} = dims;
  const teams = teamsOf(dims);
  const parts = Math.ceil((B * L) / (teams.tokens * teams.turns));
  return {
    scratch: {parts: parts * D},
    passes: [
      gradientsPass(request, teams, parts),
      rowSumPass(
        {
          name: 'rmsNorm gradient of gain',
          from: 'parts',
          rows: parts,
          columns: D,
          write: {gradGain: 'f32'},
          store: 'gradGain[column] = total;',
        },
        limits,
      ),
    ],
  };
}

export const rmsNormGpu: GpuKernel<RmsNormAttributes> = {forward, backward};
