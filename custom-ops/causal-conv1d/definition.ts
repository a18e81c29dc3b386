import {checkInteger, checkOneOf} from '../check.js';
import type {OpDefinition} from '../op.js';
import type {CausalConvAttributes} from './attributes.js';
import {activations} from './attributes.js';
import {cases} from './cases.js';
import {composed} from './composed.js';
import {backward, forward} from './reference.js';

const SCALARS = ['B', 'L', 'E', 'K', 'activation'];

export const causalConv1dOp: OpDefinition<CausalConvAttributes> = {
  name: 'causalConv1d',
  inputs: {
    x: {shape: 'B L E', dtype: 'float32', differentiable: true, keptNarrow: true},
    weight: {shape: 'K E', dtype: 'float32', differentiable: true},
    bias: {shape: 'E', dtype: 'float32', differentiable: true, optional: true},
    initialState: {shape: 'B K-1 E', dtype: 'float32', differentiable: true, optional: true},
  },
  outputs: {
    y: {shape: 'B L E', dtype: 'float32', role: 'result'},
    finalState: {shape: 'B K-1 E', dtype: 'float32', role: 'result'},
  },
  derivedDims: {'K-1': ({K}) => K - 1},
  attributes: {activation: {type: 'word', words: activations}},
  checkAttributes: ({activation}, {K}) => {
    checkOneOf('causalConv1d', 'activation', activation, activations);
    checkInteger('causalConv1d', 'weight size K', K, 2, 16);
  },
  forward: {
    reference: forward,
    native: {
      symbol: 'causal_conv1d_forward',
      scalars: SCALARS,
    },
  },
  backward: {
    reference: backward,
    native: {
      symbol: 'causal_conv1d_backward',
      scalars: SCALARS,
    },
  },
  composed,
  cases,
};
