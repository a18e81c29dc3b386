import type {OpDefinition} from '../op.js';
import {cases} from './cases.js';
import {composed} from './composed.js';
import {backward, forward} from './reference.js';

export const swigluOp: OpDefinition = {
  name: 'swiglu',
  inputs: {
    gate: {shape: 'B L E', dtype: 'float32', differentiable: true, keptNarrow: true},
    up: {shape: 'B L E', dtype: 'float32', differentiable: true, keptNarrow: true},
  },
  outputs: {y: {shape: 'B L E', dtype: 'float32', role: 'result'}},
  attributes: {},
  checkAttributes: () => {},
  forward: {
    reference: forward,
    native: {symbol: 'swiglu_forward', scalars: ['B L E']},
  },
  backward: {
    reference: backward,
    native: {symbol: 'swiglu_backward', scalars: ['B L E']},
  },
  composed,
  cases,
};
