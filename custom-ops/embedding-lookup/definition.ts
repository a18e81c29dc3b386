import type {OpDefinition} from '../op.js';
import {cases} from './cases.js';
import {composed} from './composed.js';
import {backward, forward} from './reference.js';

export const embeddingLookupOp: OpDefinition = {
  name: 'embeddingLookup',
  inputs: {
    table: {shape: 'V D', dtype: 'float32', differentiable: true},
    ids: {shape: 'B L', dtype: 'int32', onHost: true},
  },
  outputs: {y: {shape: 'B L D', dtype: 'float32', role: 'result'}},
  attributes: {},
  checkAttributes: () => {},
  integerRange: {ids: ({V}) => [0, V - 1]},
  forward: {
    reference: forward,
    native: {symbol: 'embedding_lookup_forward', scalars: ['B L', 'D']},
  },
  backward: {
    reference: backward,
    native: {symbol: 'embedding_lookup_backward', scalars: ['B L', 'V', 'D']},
  },
  composed,
  cases,
  sample: {
    ids: (random, {V}, _attrs, length) => Array.from({length}, () => Math.floor(random.uniform() * V)),
  },
};
