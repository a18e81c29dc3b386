// The sum of squares on the GPU: workgroups sum strided elements, one more sums what they found. Of several tensors in the
// same order as one by one and then added up, so that the sum is the same to the last bit.

import {memberName} from '../op.js';
import type {Bindings, GpuKernel, GpuLimits, Pass, Plan, PlanRequest} from '../wgsl/plan.js';
import {laneReductions, subgroupUse} from '../wgsl/reduce.js';
import type {Member} from '../wgsl/together.js';
import {branches, membersOf, shareDispatches, shares} from '../wgsl/together.js';

const THREADS = 256;
/** Elements that are worth a workgroup, and the most workgroups. */
const SHARE = 4096;
const GROUPS = 256;
/** Tensors of one dispatch, on devices with bindings for more. */
const MOST_TENSORS = 24;

function groupsOf(count: number): number {
  return Math.min(GROUPS, Math.ceil(count / SHARE));
}

/** WGSL that adds the terms of thread `thread` of a line of `threads` to `part`. */
function strided(from: string, count: string, thread: string, threads: number, term: string): string {
  return `
  for (var i = ${thread}; i < ${count}; i += ${threads}u) {
    let value = ${from}[i];
    part += ${term};
  }`;
}

interface Reduction {
  readonly name: string;
  readonly read: Bindings;
  readonly to: string;
  readonly workgroups: number;
  /** WGSL that adds what the thread finds to `part`, and sets `place`, where the workgroup's sum goes. */
  readonly code: string;
}

function reduction({to, workgroups, code, ...rest}: Reduction, limits: GpuLimits): Pass {
  return {
    ...rest,
    write: {[to]: 'f32'},
    workgroups: [workgroups, 1, 1],
    ...subgroupUse(limits),
    code: `
${laneReductions(THREADS, THREADS, limits)}
@compute @workgroup_size(${THREADS})
fn main(@builtin(workgroup_id) workgroupId: vec3u, @builtin(local_invocation_index) local: u32) {
  let workgroup = workgroupId.x;
  var part = 0.0;
  var place = workgroup;
  ${code}
  let total = sumOverLanes(part, local);
  if (local == 0u) { ${to}[place] = total; }
}`,
  };
}

function forward({dims, limits}: PlanRequest): Plan {
  const groups = groupsOf(dims['*']);
  const sum = (
    name: string,
    from: string,
    to: string,
    count: number,
    workgroups: number,
    term: string,
  ): Pass => {
    const thread = `workgroup * ${THREADS}u + local`;
    const code = strided(from, `${count}u`, thread, workgroups * THREADS, term);
    return reduction({name, read: {[from]: 'f32'}, to, workgroups, code}, limits);
  };
  if (groups === 1) return {passes: [sum('sumOfSquares', 'x', 'y', dims['*'], 1, 'value * value')]};
  return {
    passes: [
      sum('sumOfSquares by parts', 'x', 'parts', dims['*'], groups, 'value * value'),
      sum('sumOfSquares of parts', 'parts', 'y', groups, 1, 'value'),
    ],
    scratch: {parts: groups},
  };
}

/** The parts of several tensors in one dispatch; `first` is the place of the first part among those of all. */
function partsPass(list: readonly Member[], first: number, limits: GpuLimits): Pass {
  const {begins, total} = shares(list.map(({count}) => groupsOf(count)));
  const codes = list.map(({count}, slot) => {
    const thread = `(workgroup - ${begins[slot]}u) * ${THREADS}u + local`;
    return strided(`x${slot}`, `${count}u`, thread, groupsOf(count) * THREADS, 'value * value');
  });
  const names = list.map(({index}, slot) => [`x${slot}`, memberName('x', index)] as const);
  const pass = reduction(
    {
      name: 'sumOfSquares of several by parts',
      read: Object.fromEntries(names.map(([name]) => [name, 'f32'])),
      to: 'parts',
      workgroups: total,
      code: `place = u32(uniforms.first) + workgroup;\n  ${branches(begins, total, codes)}`,
    },
    limits,
  );
  return {...pass, buffers: Object.fromEntries(names), uniforms: ['first'], numbers: {first}};
}

/** Adds numbers one after the other, as tf adds up tensors; `order` says which when, where they lie in another. */
function addPass(from: string, count: number, order?: string): Pass {
  const at = order === undefined ? 'begin + local' : `${order}[begin + local]`;
  return {
    name: 'sumOfSquares of several',
    read: {[from]: 'f32', ...(order === undefined ? {} : {[order]: 'u32'})},
    write: {y: 'f32'},
    workgroups: [1, 1, 1],
    code: `
var<workgroup> terms: array<f32, ${THREADS}>;
@compute @workgroup_size(${THREADS})
fn main(@builtin(local_invocation_index) local: u32) {
  var total = 0.0;
  for (var begin = 0u; begin < ${count}u; begin += ${THREADS}u) {
    if (begin + local < ${count}u) { terms[local] = ${from}[${at}]; }
    workgroupBarrier();
    if (local == 0u) {
      for (var i = 0u; i < min(${THREADS}u, ${count}u - begin); i++) { total += terms[i]; }
    }
    workgroupBarrier();
  }
  if (local == 0u) { y[0] = total; }
}`,
  };
}

function together({dims, limits}: PlanRequest): Plan {
  const members = membersOf(dims);
  const lists = shareDispatches(members, Math.min(MOST_TENSORS, limits.storageBuffers - 1));
  // Parts lie in the order of the dispatches; of each tensor where its own begin, and how many.
  const ordered = lists.flat();
  const {begins, total: parts} = shares(ordered.map(({count}) => groupsOf(count)));
  const beginOf = new Map(ordered.map(({index}, position) => [index, begins[position]]));
  const places = members.flatMap(({index, count}) => [beginOf.get(index) ?? 0, groupsOf(count)]);
  const passes = lists.map(list => partsPass(list, beginOf.get(list[0].index) ?? 0, limits));
  const count = members.length;
  // Where every tensor is small, its one part is its sum.
  if (parts === count) {
    const order = Uint32Array.from(members, ({index}) => beginOf.get(index) ?? 0);
    return {passes: [...passes, addPass('parts', count, 'order')], scratch: {parts}, tables: {order}};
  }
  const begin = 'places[2u * workgroup]';
  const end = `${begin} + places[2u * workgroup + 1u]`;
  const ofParts = reduction(
    {
      name: 'sumOfSquares of parts of each',
      read: {parts: 'f32', places: 'u32'},
      to: 'sums',
      workgroups: count,
      code: strided('parts', end, `${begin} + local`, THREADS, 'value'),
    },
    limits,
  );
  return {
    passes: [...passes, ofParts, addPass('sums', count)],
    scratch: {parts, sums: count},
    tables: {places: Uint32Array.from(places)},
  };
}

export const sumOfSquaresGpu: GpuKernel = {forward, together};
