import {checkInteger, checkNumber, refuse} from '../check.js';
import type {Dims, OpDefinition} from '../op.js';
import type {DropoutAttributes} from './attributes.js';
import {cases} from './cases.js';
import {composed} from './composed.js';
import {dropoutNumbers} from './hash.js';
import {backward, forward} from './reference.js';

const LARGEST_RATE = 0.99;

function scalars({B, L, D}: Dims, {rate, stream}: DropoutAttributes): number[] {
  return [B * L * D, ...dropoutNumbers({rate, stream})];
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
