import {checkInteger, checkNumber, refuse} from '../check.js';
import type {OpDefinition} from '../op.js';
import type {DropoutAttributes} from './attributes.js';
import {cases} from './cases.js';
import {composed} from './composed.js';
import {dropoutNumbers} from './hash.js';
import {backward, forward} from './reference.js';

const LARGEST_RATE = 0.99;

const SCALARS = ['B L D', 'stream', 'threshold'];

export const dropoutOp: OpDefinition<DropoutAttributes> = {
  name: 'dropout',
  inputs: {
    x: {shape: 'B L D', dtype: 'float32', differentiable: true, forwardOnly: true},
    seed: {shape: 'S', dtype: 'int32', onHost: true},
  },
  outputs: {y: {shape: 'B L D', dtype: 'float32', role: 'result'}},
  attributes: {rate: {type: 'float', varies: true}, stream: {type: 'int', least: 0, varies: true}},
  varying: {names: ['stream', 'threshold'], type: 'int32', compute: dropoutNumbers},
  checkAttributes: ({rate, stream}, {S}) => {
    checkNumber('dropout', 'rate', rate, 0, LARGEST_RATE);
    checkInteger('dropout', 'stream', stream, 0, 2 ** 24 - 1);
    if (S !== 2) refuse('dropout', 'seed', 'two numbers, [2]', [S]);
  },
  forward: {reference: forward, native: {symbol: 'dropout_forward', scalars: SCALARS}},
  backward: {reference: backward, native: {symbol: 'dropout_backward', scalars: SCALARS}},
  composed,
  cases,
  sample: {
    seed: random => Array.from({length: 2}, () => Math.floor((random.uniform() - 0.5) * 2 ** 32)),
  },
};
