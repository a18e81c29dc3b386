// What all tokens or all channels share, laid out in vectors of four states for the gradient's passes: with few bindings
// and no thought of a state size that four does not divide.

import type {Bindings, GpuLimits, Pass} from '../wgsl/plan.js';
import {constants, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';

export interface PackShape {
  readonly B: number;
  readonly L: number;
  readonly E: number;
  readonly N: number;
  /** Vectors of four states, Q. */
  readonly quads: number;
  readonly present: ReadonlySet<string>;
  readonly limits: GpuLimits;
}

/** Writes `channels` [E, Q+1], A and (D, bias, 0, 0), and `tokens` [B, L, 2Q], B and C; zeros beyond N. */
export function packPasses({B, L, E, N, quads, present, limits}: PackShape): Pass[] {
  const channelCount = E * (quads + 1);
  const tokenCount = B * L * 2 * quads;
  const optional = (names: string[]): Bindings =>
    Object.fromEntries(names.filter(name => present.has(name)).map(name => [name, 'f32' as const]));
  const entry = (name: string, row: string): string =>
    `vec4f(${[0, 1, 2, 3].map(i => `select(0.0, ${name}[${row} * STATES + min(n + ${i}u, STATES - 1u)], n + ${i}u < STATES)`).join(', ')})`;
  return [
    {
      name: 'selectiveScan pack channels',
      read: {A: 'f32', ...optional(['D', 'deltaBias'])},
      write: {channels: 'vec4f'},
      workgroups: spread(Math.ceil(channelCount / 64), limits),
      code: `
${constants({STATES: N, COUNT: channelCount})}
@compute @workgroup_size(64)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * 64u + local;
  if (index >= COUNT) { return; }
  let e = index / ${quads + 1}u;
  let n = 4u * (index % ${quads + 1}u);
  if (n < ${4 * quads}u) {
    channels[index] = ${entry('A', 'e')};
  } else {
    channels[index] = vec4f(${present.has('D') ? 'D[e]' : '0.0'}, ${present.has('deltaBias') ? 'deltaBias[e]' : '0.0'}, 0.0, 0.0);
  }
}`,
    },
    {
      name: 'selectiveScan pack tokens',
      read: {B: 'f32', C: 'f32'},
      write: {tokens: 'vec4f'},
      workgroups: spread(Math.ceil(tokenCount / 256), limits),
      code: `
${constants({STATES: N, COUNT: tokenCount})}
@compute @workgroup_size(256)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * 256u + local;
  if (index >= COUNT) { return; }
  let token = index / ${2 * quads}u;
  let q = index % ${2 * quads}u;
  let n = 4u * (q % ${quads}u);
  if (q < ${quads}u) {
    tokens[index] = ${entry('B', 'token')};
  } else {
    tokens[index] = ${entry('C', 'token')};
  }
}`,
    },
  ];
}
