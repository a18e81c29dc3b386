import type {OpDefinition} from '../op.js';
import {cases} from './cases.js';
import {composed} from './composed.js';
import {forward} from './reference.js';

export const sumOfSquaresOp: OpDefinition = {
  name: 'sumOfSquares',
  inputs: {x: {shape: '*', dtype: 'float32'}},
  outputs: {y: {shape: '', dtype: 'float32', role: 'result'}},
  attributes: {},
  checkAttributes: () => {},
  forward: {reference: forward, native: {symbol: 'sum_of_squares', scalars: ['*']}},
  composed,
  cases,
};
