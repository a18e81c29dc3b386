import type {OpDefinition} from '../op.js';
import {cases} from './cases.js';
import {composed} from './composed.js';
import {backward, forward} from './reference.js';
import {checkHeadWidth, rotaryAngles} from './table.js';

export const rotaryEmbeddingOp: OpDefinition = {
  name: 'rotaryEmbedding',
  inputs: {
    x: {shape: 'B L H Dh', dtype: 'float32', differentiable: true, forwardOnly: true},
    cosSin: {shape: 'L Dh', dtype: 'float32'},
  },
  outputs: {y: {shape: 'B L H Dh', dtype: 'float32', role: 'result'}},
  attributes: {},
  checkAttributes: (_attrs, {Dh}) => checkHeadWidth('rotaryEmbedding', "x's last axis, Dh,", Dh),
  forward: {
    reference: forward,
    native: {symbol: 'rotary_embedding_forward', scalars: ['B L', 'L', 'H', 'Dh']},
  },
  backward: {
    reference: backward,
    native: {symbol: 'rotary_embedding_backward', scalars: ['B L', 'L', 'H', 'Dh']},
  },
  composed,
  cases,
  sample: {
    cosSin: (random, {Dh}, _attrs, length) => {
      const positions = Array.from({length: length / Dh}, () => Math.floor(random.uniform() * 1e6));
      return [...rotaryAngles(positions, Dh, 10000)];
    },
  },
};
