import {checkInteger, checkOneOf, refuse} from '../check.js';
import type {OpDefinition} from '../op.js';
import {precisions} from '../precision.js';
import type {MemoryAttentionAttributes} from './attributes.js';
import {fadingModes} from './attributes.js';
import {cases, sample} from './cases.js';
import {composed} from './composed.js';
import {backward, forward} from './reference.js';

/** Twice a window must still be an int32 in the kernels. */
const MOST = 2 ** 30 - 1;

// biome-ignore format: sizes, then attributes
const scalars = [
  'B', 'L', 'M', 'H', 'G', 'Dh', 'C', 'me',
  'window', 'fading', 'fadingTokens', 'queryOffset', 'firstRow', 'phase',
];

/** Three blocks of queries and two tiles, for the largest block that kernel.h is built for. */
const scratchFloats = ({Dh}: Readonly<Record<string, number>>): number => (3 * Dh + 256) * 16;

export const memoryAttentionOp: OpDefinition<MemoryAttentionAttributes> = {
  name: 'memoryAttention',
  inputs: {
    q: {shape: 'B L H Dh', dtype: 'float32', differentiable: true, keptNarrow: true},
    k: {shape: 'B M G Dh', dtype: 'float32', differentiable: true, keptNarrow: true},
    v: {shape: 'B M G Dh', dtype: 'float32', differentiable: true, keptNarrow: true},
    kFading: {shape: 'B M G Dh', dtype: 'float32', differentiable: true, keptNarrow: true, optional: true},
    vFading: {shape: 'B M G Dh', dtype: 'float32', differentiable: true, keptNarrow: true, optional: true},
    positions: {shape: 'B C me', dtype: 'int32', optional: true},
  },
  outputs: {
    out: {shape: 'B L H Dh', dtype: 'float32', role: 'both', keptNarrow: true},
    logSumExp: {shape: 'B L H', dtype: 'float32', role: 'both', optional: true},
  },
  derivedDims: {C: ({L}, {phase, window}) => Math.ceil((phase + L) / window)},
  attributes: {
    window: {type: 'int', least: 1},
    fading: {type: 'word', words: fadingModes},
    fadingTokens: {type: 'int', least: 0},
    queryOffset: {type: 'int', least: 0, varies: true},
    firstRow: {type: 'int', least: 0, varies: true},
    phase: {type: 'int', least: 0, varies: true},
    precision: {type: 'word', words: precisions},
  },
  integerRange: {positions: ({M}) => [-1, M - 1]},
  checkAttributes: (attrs, {L, M, H, G}) => {
    const {window, fading, fadingTokens, queryOffset, firstRow, phase} = attrs;
    const name = 'memoryAttention';
    checkOneOf(name, 'precision', attrs.precision, precisions);
    checkInteger(name, 'window', window, 1, MOST);
    checkOneOf(name, 'fading', fading, fadingModes);
    checkInteger(name, 'fadingTokens', fadingTokens, 0, MOST);
    checkInteger(name, 'phase', phase, 0, window - 1);
    checkInteger(name, 'queryOffset', queryOffset, 0);
    checkInteger(name, 'firstRow', firstRow, 0, queryOffset);
    if (M !== queryOffset + L) refuse(name, 'k', `of M = queryOffset + L = ${queryOffset + L} rows`, M);
    if (H % G !== 0) refuse(name, 'q', `of H heads, a multiple of the G = ${G} heads of k`, H);
  },
  forward: {
    reference: forward,
    native: {
      symbol: 'memory_attention_forward',
      scalars,
      scratchFloats,
    },
  },
  backward: {
    reference: backward,
    native: {
      symbol: 'memory_attention_backward',
      scalars,
      scratchFloats,
    },
  },
  composed,
  cases,
  sample,
};
