import {checkNumber} from '../check.js';
import type {OpDefinition} from '../op.js';
import type {RmsNormAttributes} from './attributes.js';
import {cases} from './cases.js';
import {composed} from './composed.js';
import {backward, forward} from './reference.js';

export const rmsNormOp: OpDefinition<RmsNormAttributes> = {
  name: 'rmsNorm',
  inputs: {
    x: {shape: 'B L D', dtype: 'float32', differentiable: true, keptNarrow: true},
    gain: {shape: 'D', dtype: 'float32', differentiable: true},
  },
  outputs: {
    y: {shape: 'B L D', dtype: 'float32', role: 'result'},
    inverseRms: {shape: 'B L', dtype: 'float32', role: 'saved'},
    passed: {shape: 'B L D', dtype: 'float32', role: 'result', optional: true, passes: 'x'},
  },
  attributes: {epsilon: {type: 'float'}},
  checkAttributes: ({epsilon}) => {
    checkNumber('rmsNorm', 'epsilon', epsilon, 0, 1);
  },
  forward: {
    reference: forward,
    native: {symbol: 'rms_norm_forward', scalars: ['B L', 'D', 'epsilon']},
  },
  backward: {
    reference: backward,
    native: {symbol: 'rms_norm_backward', scalars: ['B L', 'D']},
  },
  composed,
  cases,
};
