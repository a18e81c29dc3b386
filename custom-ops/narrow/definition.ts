import {checkInteger, checkOneOf} from '../check.js';
import type {OpDefinition} from '../op.js';
import type {NarrowAttributes, WidenAttributes} from './attributes.js';
import {narrowFormats, wordsOf} from './attributes.js';
import {narrowCases, sampleNumbers, sampleWords, widenCases} from './cases.js';
import * as composed from './composed.js';
import * as reference from './reference.js';

const format = {type: 'word', words: narrowFormats} as const;

export const narrowOp: OpDefinition<NarrowAttributes> = {
  name: 'narrow',
  inputs: {x: {shape: '*', dtype: 'float32'}},
  outputs: {words: {shape: 'W', dtype: 'int32', role: 'result'}},
  derivedDims: {W: dims => wordsOf(dims['*'])},
  attributes: {format},
  checkAttributes: attrs => void checkOneOf('narrow', 'format', attrs.format, narrowFormats),
  forward: {reference: reference.narrow, native: {symbol: 'narrow_numbers', scalars: ['*', 'format']}},
  composedOnCuda: true,
  composed: composed.narrow,
  cases: narrowCases,
  sample: {x: sampleNumbers},
};

export const widenOp: OpDefinition<WidenAttributes> = {
  name: 'widen',
  inputs: {words: {shape: 'D W', dtype: 'int32'}},
  outputs: {y: {shape: 'D E', dtype: 'float32', role: 'result'}},
  derivedDims: {W: (_, {columns}) => wordsOf(columns), E: (_, {columns}) => columns},
  attributes: {format, columns: {type: 'int', least: 1}},
  checkAttributes: attrs => {
    checkOneOf('widen', 'format', attrs.format, narrowFormats);
    checkInteger('widen', 'columns', attrs.columns, 1);
  },
  forward: {reference: reference.widen, native: {symbol: 'widen_numbers', scalars: ['D', 'E', 'format']}},
  composedOnCuda: true,
  composed: composed.widen,
  cases: widenCases,
  sample: {words: sampleWords},
};
