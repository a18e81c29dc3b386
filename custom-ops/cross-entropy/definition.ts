import {checkInteger} from '../check.js';
import type {OpDefinition} from '../op.js';
import type {CrossEntropyAttributes} from './attributes.js';
import {cases} from './cases.js';
import {composed} from './composed.js';
import {backward, forward} from './reference.js';

export const crossEntropyOp: OpDefinition<CrossEntropyAttributes> = {
  name: 'crossEntropy',
  inputs: {
    logits: {shape: 'R V', dtype: 'float32', differentiable: true},
    labels: {shape: 'R', dtype: 'int32', onHost: true},
  },
  outputs: {
    losses: {shape: 'R', dtype: 'float32', role: 'result'},
    logSumExp: {shape: 'R', dtype: 'float32', role: 'saved'},
  },
  attributes: {ignoreIndex: {type: 'int'}},
  checkAttributes: ({ignoreIndex}) => {
    checkInteger('crossEntropy', 'ignoreIndex', ignoreIndex, -(2 ** 31));
  },
  integerRange: {labels: ({V}, {ignoreIndex}) => [0, V - 1, ignoreIndex]},
  forward: {
    reference: forward,
    native: {symbol: 'cross_entropy_forward', scalars: ['R', 'V', 'ignoreIndex']},
  },
  backward: {
    reference: backward,
    native: {symbol: 'cross_entropy_backward', scalars: ['R', 'V', 'ignoreIndex']},
  },
  composed,
  cases,
  sample: {
    labels: (random, {V}, {ignoreIndex}, length) =>
      Array.from({length}, (_, row) => (row % 3 === 1 ? ignoreIndex : Math.floor(random.uniform() * V))),
  },
};
