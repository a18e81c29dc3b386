// Sizes on which adamW is tested and timed.

import type {OpCase} from '../op.js';
import type {AdamWAttributes} from './attributes.js';

const attrs: AdamWAttributes = {
  learningRate: 1e-2,
  beta1: 0.9,
  beta2: 0.999,
  epsilon: 1e-8,
  weightDecay: 0.1,
  step: 3,
};
const omit = ['gradientScale', 'skipped'];

export const cases: OpCase<AdamWAttributes>[] = [
  {name: 'one', dims: {'*': 1}, attrs: {...attrs, step: 1}, omit, use: 'test'},
  {name: 'scaled', dims: {'*': 63}, attrs, omit: ['skipped'], use: 'test'},
  {name: 'second of three, scaled', dims: {'*': 63}, attrs, use: 'test'},
  {
    name: 'half were skipped',
    dims: {'*': 70},
    attrs: {...attrs, step: 2000},
    omit: ['gradientScale'],
    use: 'test',
  },
  {
    name: 'half were skipped, no momentum',
    dims: {'*': 5},
    attrs: {...attrs, beta1: 0, beta2: 0, step: 2},
    omit: ['gradientScale'],
    use: 'test',
  },
  {
    name: 'late, large epsilon',
    dims: {'*': 100},
    attrs: {...attrs, beta2: 0.95, epsilon: 0.1, step: 100_000},
    omit,
    use: 'test',
  },
  {name: '1M', dims: {'*': 2 ** 20}, attrs, use: 'bench'},
];
