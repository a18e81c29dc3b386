// adamW on the GPU: one pass over a parameter, in place. All factors are uniforms, shared by the parameters of a step.

import {elementwisePass} from '../wgsl/elementwise.js';
import {nanByBits} from '../wgsl/maths.js';
import type {GpuKernel, Plan, PlanRequest} from '../wgsl/plan.js';
import type {AdamWAttributes} from './attributes.js';
import {adamWFactors} from './attributes.js';

const factors = ['beta1', 'rest1', 'beta2', 'rest2', 'epsilon', 'keep', 'rate', 'correction'] as const;

function forward({dims, present, limits}: PlanRequest<AdamWAttributes>): Plan {
  const isScaled = present.has('gradientScale');
  const pass = elementwisePass(
    {
      name: 'adamW',
      read: {gradient: 'f32', ...(isScaled ? {gradientScale: 'f32'} : {})},
      write: {parameter: 'f32', firstMoment: 'f32', secondMoment: 'f32'},
      uniforms: factors,
      count: dims['*'],
      declarations: isScaled ? nanByBits : undefined,
      body: `
  ${isScaled ? 'if (isNaN(gradientScale[0])) { return; }' : ''}
  let g = gradient[index]${isScaled ? ' * gradientScale[0]' : ''};
  let m = uniforms.beta1 * firstMoment[index] + uniforms.rest1 * g;
  let v = uniforms.beta2 * secondMoment[index] + uniforms.rest2 * g * g;
  firstMoment[index] = m;
  secondMoment[index] = v;
  let direction = m / (sqrt(v) * uniforms.correction + uniforms.epsilon);
  parameter[index] = uniforms.keep * parameter[index] - uniforms.rate * direction;`,
    },
    limits,
  );
  return {passes: [pass]};
}

export const adamWGpu: GpuKernel<AdamWAttributes> = {
  forward,
  dynamic: ['learningRate', 'beta1', 'beta2', 'epsilon', 'weightDecay', 'step'],
  uniforms: (_dims, attrs) => {
    const values = adamWFactors(attrs);
    return Object.fromEntries(factors.map((name, i) => [name, values[i]]));
  },
};
