// What all tokens or all channels share, laid out in vectors of four states for the gradient's passes: with few bindings
// and no thought of a state size that four does not divide.

import {presentBindings} from '../wgsl/bindings.js';
import type {Pass} from '../wgsl/plan.js';
import {constants, spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {ScanShape} from './scan-shape.js';
import {states4} from './scan-shape.js';

/** Writes `channels` [E, Q+1], A and (D, bias, 0, 0), and `tokens` [B, L, 2Q], B and C; zeros beyond N. */
export function packPasses(shape: ScanShape): Pass[] {
  const {B, L, E, quads, present, limits} = shape;
  const channelCount = E * (quads + 1);
  const tokenCount = B * L * 2 * quads;
  return [
    {
      name: 'selectiveScan pack channels',
      read: {A: 'f32', ...presentBindings(['D', 'deltaBias'], present)},
      write: {channels: 'vec4f'},
      workgroups: spread(Math.ceil(channelCount / 64), limits),
      code: `
${constants({COUNT: channelCount})}
@compute @workgroup_size(64)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * 64u + local;
  if (index >= COUNT) { return; }
  let e = index / ${quads + 1}u;
  let q = index % ${quads + 1}u;
  if (q < ${quads}u) {
    channels[index] = ${states4(shape, 'A', 'e', 'q')};
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
${constants({COUNT: tokenCount})}
@compute @workgroup_size(256)
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * 256u + local;
  if (index >= COUNT) { return; }
  let token = index / ${2 * quads}u;
  let q = index % ${2 * quads}u;
  if (q < ${quads}u) {
    tokens[index] = ${states4(shape, 'B', 'token', 'q')};
  } else {
    tokens[index] = ${states4(shape, 'C', 'token', `q - ${quads}u`)};
  }
}`,
    },
  ];
}
