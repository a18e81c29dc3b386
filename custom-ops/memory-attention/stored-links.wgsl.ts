// Gradients of stored rows: several chunks may store the same row, so that they are first formed for each slot and then added
// to the row's, along a chain that links the slots of a row in their order.

import type {GpuLimits, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {Geometry} from './geometry.wgsl.js';
import {loadRow, rowBindings, storeRow} from './geometry.wgsl.js';

const THREADS = 256;

/**
 * `links`: for each row, the first slot (chunk * me + slot) that stores it, else -1; after these, for each slot, the next
 * slot that stores the same row, else -1.
 */
export function linkPasses(g: Geometry, limits: GpuLimits): Pass[] {
  const rows = g.B * g.M;
  const slots = g.C * g.me;
  return [
    {
      name: 'memoryAttention clear links',
      read: {},
      write: {links: 'i32'},
      workgroups: spread(Math.ceil(rows / 256), limits),
      code: `
@compute @workgroup_size(256)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * 256u + local;
  if (index < ${rows}u) { links[index] = -1; }
}`,
    },
    {
      name: 'memoryAttention links',
      read: {positions: 'i32'},
      write: {links: 'i32'},
      workgroups: spread(Math.ceil((g.B * slots) / 64), limits),
      code: `
const SLOTS: u32 = ${slots}u;
@compute @workgroup_size(64)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * 64u + local;
  if (index >= ${g.B * slots}u) { return; }
  let batch = index / SLOTS;
  let slot = index % SLOTS;
  let row = positions[index];
  if (row < 0) { links[${rows}u + index] = -1; return; }
  // The same row usually stands in the chunks just before and after.
  var next = slot + 1u;
  while (next < SLOTS && positions[batch * SLOTS + next] != row) { next++; }
  links[${rows}u + index] = select(-1, i32(next), next < SLOTS);
  var before = i32(slot) - 1;
  while (before >= 0 && positions[batch * SLOTS + u32(before)] != row) { before--; }
  if (before < 0) { links[batch * ${g.M}u + u32(row)] = i32(slot); }
}`,
    },
  ];
}

/** Adds gradients of slots, `storedK` and `storedV`, to those of the rows that they store; few rows are stored at all. */
export function addStoredPass(g: Geometry, limits: GpuLimits): Pass {
  const {Dh, vectors} = g;
  const count = g.B * g.M * g.G * vectors;
  const add = (to: string, from: string): string =>
    storeRow(
      to,
      'row',
      'quad',
      `(${loadRow(to, 'row', 'quad', Dh)} + ${loadRow(from, 'stored', 'quad', Dh)})`,
      Dh,
    );
  return {
    name: 'memoryAttention gradients of slots added to rows',
    read: {links: 'i32', ...rowBindings(['storedK', 'storedV'], Dh)},
    write: rowBindings(['gradK', 'gradV'], Dh),
    uniforms: g.uniformNames,
    workgroups: spread(Math.ceil(count / THREADS), limits),
    code: `
${g.code}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * ${THREADS}u + local;
  let quad = index % ${vectors}u;
  let row = index / ${vectors}u;
  let group = row % GROUPS;
  let keyRow = row / GROUPS;
  if (keyRow >= BATCH * rows()) { return; }
  let firstSlot = keyRow / rows() * CHUNKS * SLOTS;
  var link = links[keyRow];
  while (link >= 0) {
    let slot = firstSlot + u32(link);
    let stored = slot * GROUPS + group;
    ${add('gradK', 'storedK')}
    ${add('gradV', 'storedV')}
    link = links[BATCH * rows() + slot];
  }
}`,
  };
}
