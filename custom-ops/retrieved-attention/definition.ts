import {refuse} from '../check.js';
import type {OpDefinition} from '../op.js';
import {cases, sample} from './cases.js';
import {composed} from './composed.js';
import {backward, forward} from './reference.js';

const scalars = ['B', 'L', 'M', 'H', 'G', 'Dh', 'R'];

/** Weights of one query and their gradients, in whole vectors of the most lanes that kernel.h is built for. */
const scratchFloats = ({R}: Readonly<Record<string, number>>): number => 2 * 16 * Math.ceil(R / 16);

export const retrievedAttentionOp: OpDefinition = {
  name: 'retrievedAttention',
  inputs: {
    q: {shape: 'B L H Dh', dtype: 'float32', differentiable: true, keptNarrow: true},
    k: {shape: 'B M G Dh', dtype: 'float32', differentiable: true, keptNarrow: true},
    v: {shape: 'B M G Dh', dtype: 'float32', differentiable: true, keptNarrow: true},
    rows: {shape: 'B L G R', dtype: 'int32'},
  },
  outputs: {
    out: {shape: 'B L H Dh', dtype: 'float32', role: 'both', keptNarrow: true},
    logSumExp: {shape: 'B L H', dtype: 'float32', role: 'both'},
  },
  attributes: {},
  integerRange: {rows: ({M}) => [-1, M - 1]},
  checkAttributes: (_, {H, G}) => {
    if (H % G !== 0)
      refuse('retrievedAttention', 'q', `of H heads, a multiple of the G = ${G} heads of k`, H);
  },
  forward: {
    reference: forward,
    native: {symbol: 'retrieved_attention_forward', scalars, scratchFloats},
  },
  backward: {
    reference: backward,
    native: {symbol: 'retrieved_attention_backward', scalars, scratchFloats},
  },
  composed,
  cases,
  sample,
};
