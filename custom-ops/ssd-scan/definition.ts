import {checkNumber, checkOneOf, refuse} from '../check.js';
import type {OpDefinition} from '../op.js';
import {precisions} from '../precision.js';
import type {SsdScanAttributes} from './attributes.js';
import {chunkOf, NO_MOST} from './attributes.js';
import {cases, sample} from './cases.js';
import {composed} from './composed.js';
import {backward, forward} from './reference.js';

/** Floats that one product of kernel.h packs its factors into, and of its vectors at their widest. */
const PRODUCT_SCRATCH = 256 * 512 + 256 * 60 + 512;
const LANES = 16;

const SCALARS = ['B', 'L', 'H', 'P', 'G', 'N', 'chunk', 'deltaLeast', 'deltaMost'];

export const ssdScanOp: OpDefinition<SsdScanAttributes> = {
  name: 'ssdScan',
  inputs: {
    x: {shape: 'B L H P', dtype: 'float32', differentiable: true, keptNarrow: true},
    delta: {shape: 'B L H', dtype: 'float32', differentiable: true},
    A: {shape: 'H', dtype: 'float32', differentiable: true},
    B: {shape: 'B L G N', dtype: 'float32', differentiable: true},
    C: {shape: 'B L G N', dtype: 'float32', differentiable: true},
    D: {shape: 'H', dtype: 'float32', differentiable: true, optional: true},
    deltaBias: {shape: 'H', dtype: 'float32', differentiable: true, optional: true},
    initialState: {shape: 'B H P N', dtype: 'float32', differentiable: true, optional: true},
  },
  outputs: {
    y: {shape: 'B L H P', dtype: 'float32', role: 'result'},
    finalState: {shape: 'B H P N', dtype: 'float32', role: 'result'},
    /** State before the first token of every chunk. */
    chunkStates: {shape: 'B S H P N', dtype: 'float32', role: 'saved'},
  },
  derivedDims: {S: ({L}, attrs) => Math.ceil(L / chunkOf(attrs)), chunk: (_dims, attrs) => chunkOf(attrs)},
  attributes: {
    deltaLeast: {type: 'float'},
    deltaMost: {type: 'float'},
    precision: {type: 'word', words: precisions},
  },
  checkAttributes: ({deltaLeast, deltaMost, precision}, {H, G}) => {
    checkOneOf('ssdScan', 'precision', precision, precisions);
    checkNumber('ssdScan', 'deltaLeast', deltaLeast, 0, NO_MOST);
    checkNumber('ssdScan', 'deltaMost', deltaMost, deltaLeast, NO_MOST);
    if (H % G !== 0) refuse('ssdScan', 'x', `of H heads, a multiple of the G = ${G} groups of B`, H);
  },
  forward: {
    reference: forward,
    native: {
      symbol: 'ssd_scan_forward',
      scalars: SCALARS,
      scratchFloats: ({P, N, chunk: Q}) => PRODUCT_SCRATCH + Q * (2 * Q + P + N + 4) + 8 * LANES,
    },
  },
  backward: {
    reference: backward,
    native: {
      symbol: 'ssd_scan_backward',
      scalars: SCALARS,
      scratchFloats: ({H, P, N, chunk: Q}) =>
        PRODUCT_SCRATCH + H * P * N + Q * (4 * Q + 3 * P + N + 8) + 8 * LANES,
    },
  },
  composed,
  cases,
  sample,
};
