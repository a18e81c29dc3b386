import {checkInteger} from '../check.js';
import type {OpDefinition} from '../op.js';
import type {ExactSearchAttributes} from './attributes.js';
import {cases, sample} from './cases.js';
import {composed} from './composed.js';
import {forward} from './reference.js';

/** A block of queries, for the largest that kernel.h is built for. */
const scratchFloats = ({Dh}: Readonly<Record<string, number>>): number => 16 * Dh;

export const exactSearchOp: OpDefinition<ExactSearchAttributes> = {
  name: 'exactSearch',
  inputs: {
    q: {shape: 'B L G Dh', dtype: 'float32'},
    k: {shape: 'B N G Dh', dtype: 'float32'},
    admitted: {shape: 'B N', dtype: 'int32', optional: true},
  },
  outputs: {
    rows: {shape: 'B L G R', dtype: 'int32', role: 'result'},
    scores: {shape: 'B L G R', dtype: 'float32', role: 'result'},
  },
  derivedDims: {R: (_, {count}) => count},
  attributes: {
    count: {type: 'int', least: 1},
    window: {type: 'int', least: 0},
    queryOffset: {type: 'int', least: 0, varies: true},
    phase: {type: 'int', least: 0, varies: true},
  },
  checkAttributes: ({count, window, queryOffset, phase}) => {
    const name = 'exactSearch';
    checkInteger(name, 'count', count, 1, 1024);
    checkInteger(name, 'window', window, 0, 2 ** 30 - 1);
    checkInteger(name, 'queryOffset', queryOffset, 0, 2 ** 30);
    checkInteger(name, 'phase', phase, 0, Math.max(0, window - 1));
  },
  forward: {
    reference: forward,
    native: {
      symbol: 'exact_search',
      scalars: ['B', 'L', 'N', 'G', 'Dh', 'count', 'window', 'queryOffset', 'phase'],
      scratchFloats,
    },
  },
  composed,
  cases,
  sample,
};
