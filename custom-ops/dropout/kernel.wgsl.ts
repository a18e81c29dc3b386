// Dropout on the GPU, element by element. The stream is a uniform, so that all places of a model share one pipeline.

import {elementwisePass} from '../wgsl/elementwise.js';
import type {GpuKernel, Plan, PlanRequest} from '../wgsl/plan.js';
import {floatLiteral} from '../wgsl/plan.js';
import type {DropoutAttributes} from './attributes.js';
import {dropThreshold, keepScale} from './hash.js';

/** As in hash.ts. */
const hash = `
fn mixed(word: u32) -> u32 {
  var h = word;
  h = (h ^ (h >> 16u)) * 0x7feb352du;
  h = (h ^ (h >> 15u)) * 0x846ca68bu;
  return h ^ (h >> 16u);
}
fn elementHash(a: u32, b: u32, stream: u32, index: u32) -> u32 {
  let first = mixed(a + mixed(b + mixed(stream + 0x9e3779b9u)));
  let second = mixed(b + mixed(a + mixed(stream + 0x3c6ef372u)));
  return mixed(mixed(index + first) ^ second);
}`;

/** `from` with the mask into `to`. */
function drop(name: string, from: string, to: string): GpuKernel<DropoutAttributes>['forward'] {
  return ({dims: {B, L, D}, attrs: {rate}, limits}: PlanRequest<DropoutAttributes>): Plan => {
    const pass = elementwisePass(
      {
        name,
        read: {[from]: 'f32', seed: 'u32'},
        write: {[to]: 'f32'},
        uniforms: ['stream'],
        count: B * L * D,
        declarations: hash,
        body: `
  let isDropped = elementHash(seed[0], seed[1], u32(uniforms.stream), index) < ${dropThreshold(rate)}u;
  ${to}[index] = select(${from}[index] * ${floatLiteral(keepScale(rate))}, 0.0, isDropped);`,
      },
      limits,
    );
    return {passes: [pass]};
  };
}

export const dropoutGpu: GpuKernel<DropoutAttributes> = {
  forward: drop('dropout', 'x', 'y'),
  backward: drop('dropout gradient', 'gradY', 'gradX'),
  dynamic: ['stream'],
  uniforms: (_dims, {stream}) => ({stream}),
};
