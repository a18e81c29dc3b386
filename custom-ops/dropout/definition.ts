import {checkInteger, checkNumber, refuse} from '../check.js';
import type {Dims, OpDefinition} from '../op.js';
import {cases} from './cases.js';
import {composed} from './composed.js';
import {dropThreshold} from './hash.js';
import {backward, forward} from './reference.js';

export type DropoutAttributes = {
  /** Share of elements set to zero, in [0, 0.99]. */
  rate: number;
  /** Tells the masks of one seed apart: a number of the place in the model, in [0, 2^24). */
  stream: number;
};

const LARGEST_RATE = 0.99;

function scalars({B, L, D}: Dims, {rate, stream}: DropoutAttributes): number[] {
  return [B * L * D, ...dropoutNumbers({rate, stream})];
}

/** Stream and threshold as int32: what every kernel takes, so that all make the same mask. */
export function dropoutNumbers({rate, stream}: DropoutAttributes): [stream: number, threshold: number] {
  return [stream, dropThreshold(rate) | 0];
}

export const dropoutOp: OpDefinition<DropoutAttributes> = {
  name: 'dropout',
  inputs: {
    x: {shape: 'B L D', dtype: 'float32', differentiable: true},
    seed: {shape: 'S', dtype: 'int32'},
  },
  outputs: {y: {shape: 'B L D', dtype: 'float32', role: 'result'}},
  checkAttributes: ({rate, stream}, {S}) => {
    checkNumber('dropout', 'rate', rate, 0, LARGEST_RATE);
    checkInteger('dropout', 'stream', stream, 0, 2 ** 24 - 1);
    if (S !== 2) refuse('dropout', 'seed', 'two numbers, [2]', [S]);
  },
  forward: {reference: forward, native: {symbol: 'dropout_forward', scalars}},
  backward: {reference: backward, native: {symbol: 'dropout_backward', scalars}},
  composed,
  cases,
  sample: {
    seed: random => Array.from({length: 2}, () => Math.floor((random.uniform() - 0.5) * 2 ** 32)),
  },
};
