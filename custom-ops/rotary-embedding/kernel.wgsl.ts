// rotaryEmbedding on the GPU: a thread for each pair of channels.

import {elementwisePass} from '../wgsl/elementwise.js';
import type {GpuKernel, Plan, PlanRequest} from '../wgsl/plan.js';

/** A rotation's transpose is its inverse: the gradient turns the other way. */
function rotate({dims: {B, L, H, Dh}, limits}: PlanRequest, from: string, to: string, sign: '' | '-'): Plan {
  const half = Dh / 2;
  const pass = elementwisePass(
    {
      name: `rotaryEmbedding ${to}`,
      read: {[from]: 'f32', cosSin: 'f32'},
      write: {[to]: 'f32'},
      count: B * L * H * half,
      body: `
  let head = index / ${half}u;
  let i = index % ${half}u;
  let angle = (head / ${H}u % ${L}u) * ${Dh}u + i;
  let cosine = cosSin[angle];
  let sine = ${sign}cosSin[angle + ${half}u];
  let at = head * ${Dh}u + i;
  let first = ${from}[at];
  let second = ${from}[at + ${half}u];
  ${to}[at] = first * cosine - second * sine;
  ${to}[at + ${half}u] = first * sine + second * cosine;`,
    },
    limits,
  );
  return {passes: [pass]};
}

export const rotaryEmbeddingGpu: GpuKernel = {
  forward: request => rotate(request, 'x', 'y', ''),
  backward: request => rotate(request, 'gradY', 'gradX', '-'),
};
