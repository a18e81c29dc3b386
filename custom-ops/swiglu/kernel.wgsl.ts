// swiglu on the GPU, element by element.

import {elementwisePass} from '../wgsl/elementwise.js';
import {sigmoid} from '../wgsl/maths.js';
import type {GpuKernel, Plan, PlanRequest} from '../wgsl/plan.js';

function forward({dims: {B, L, E}, limits}: PlanRequest): Plan {
  const pass = elementwisePass(
    {
      name: 'swiglu',
      read: {gate: 'f32', up: 'f32'},
      write: {y: 'f32'},
      count: B * L * E,
      declarations: sigmoid,
      body: 'y[index] = gate[index] * sigmoid(gate[index]) * up[index];',
    },
    limits,
  );
  return {passes: [pass]};
}

function backward({dims: {B, L, E}, limits}: PlanRequest): Plan {
  const pass = elementwisePass(
    {
      name: 'swiglu gradient',
      read: {gate: 'f32', up: 'f32', gradY: 'f32'},
      write: {gradGate: 'f32', gradUp: 'f32'},
      count: B * L * E,
      declarations: sigmoid,
      body: `
  let x = gate[index];
  let s = sigmoid(x);
  gradUp[index] = gradY[index] * x * s;
  gradGate[index] = gradY[index] * up[index] * s * (1.0 + x * (1.0 - s));`,
    },
    limits,
  );
  return {passes: [pass]};
}

export const swigluGpu: GpuKernel = {forward, backward};
