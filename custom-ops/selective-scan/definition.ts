import {checkBoolean} from '../check.js';
import type {OpDefinition} from '../op.js';
import type {SelectiveScanAttributes} from './attributes.js';
import {CHUNK} from './attributes.js';
import {cases, sample} from './cases.js';
import {composed} from './composed.js';
import {backward, forward} from './reference.js';

/** Floats of the widest vectors that kernel.h is built for: sizes its scratch. */
const LANES = 16;

const SCALARS = ['B', 'L', 'E', 'N', 'chunk', 'deltaSoftplus'];

export const selectiveScanOp: OpDefinition<SelectiveScanAttributes> = {
  name: 'selectiveScan',
  inputs: {
    u: {shape: 'B L E', dtype: 'float32', differentiable: true, keptNarrow: true},
    delta: {shape: 'B L E', dtype: 'float32', differentiable: true, keptNarrow: true},
    A: {shape: 'E N', dtype: 'float32', differentiable: true},
    B: {shape: 'B L N', dtype: 'float32', differentiable: true},
    C: {shape: 'B L N', dtype: 'float32', differentiable: true},
    D: {shape: 'E', dtype: 'float32', differentiable: true, optional: true},
    z: {shape: 'B L E', dtype: 'float32', differentiable: true, keptNarrow: true, optional: true},
    deltaBias: {shape: 'E', dtype: 'float32', differentiable: true, optional: true},
    initialState: {shape: 'B E N', dtype: 'float32', differentiable: true, optional: true},
  },
  outputs: {
    y: {shape: 'B L E', dtype: 'float32', role: 'result'},
    finalState: {shape: 'B E N', dtype: 'float32', role: 'result'},
    /** State before the first token of every chunk. */
    chunkStates: {shape: 'B S E N', dtype: 'float32', role: 'saved'},
  },
  derivedDims: {S: ({L}) => Math.ceil(L / CHUNK), chunk: () => CHUNK},
  attributes: {deltaSoftplus: {type: 'bool'}},
  checkAttributes: ({deltaSoftplus}) => {
    checkBoolean('selectiveScan', 'deltaSoftplus', deltaSoftplus);
  },
  forward: {
    reference: forward,
    native: {
      symbol: 'selective_scan_forward',
      scalars: SCALARS,
      scratchFloats: ({N}) => LANES * (6 * N + 3 * CHUNK),
    },
  },
  backward: {
    reference: backward,
    native: {
      symbol: 'selective_scan_backward',
      scalars: SCALARS,
      scratchFloats: ({E, N}) => (E + LANES) * (3 * N + 2) + LANES * ((1 + CHUNK) * 4 * N + 9 * CHUNK),
    },
  },
  composed,
  cases,
  sample,
};
