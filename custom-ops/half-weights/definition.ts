import {checkInteger, checkOneOf, refuse} from '../check.js';
import type {Dims, Kernel, OpDefinition} from '../op.js';
import type {HalfAttributes} from './attributes.js';
import {MOST_ROWS, wordsOf} from './attributes.js';
import {lookupCases, productCases, sampleIds, sampleWords} from './cases.js';
import * as composed from './composed.js';
import * as reference from './reference.js';

const attributes = {
  format: {type: 'word', words: ['float16', 'bfloat16']},
  columns: {type: 'int', least: 1},
} as const;

function checkFormat(name: string, {format, columns}: HalfAttributes): void {
  checkOneOf(name, 'format', format, attributes.format.words);
  checkInteger(name, 'columns', columns, 1);
}

function checkProduct(name: string): (attrs: HalfAttributes, dims: Dims) => void {
  return (attrs, {B, L}) => {
    checkFormat(name, attrs);
    if (B * L > MOST_ROWS) refuse(name, 'x', `of at most ${MOST_ROWS} rows, B L`, [B, L]);
  };
}

function kernel(
  symbol: string,
  of: Kernel<HalfAttributes>['reference'],
  scalars: string[],
): Kernel<HalfAttributes> {
  return {reference: of, native: {symbol, scalars}};
}

const common = {attributes, composedOnCuda: true} as const;

export const linearHalfOp: OpDefinition<HalfAttributes> = {
  ...common,
  name: 'linearHalf',
  inputs: {
    x: {shape: 'B L D', dtype: 'float32'},
    weight: {shape: 'D W', dtype: 'int32'},
    bias: {shape: 'E', dtype: 'float32', optional: true},
  },
  outputs: {y: {shape: 'B L E', dtype: 'float32', role: 'result'}},
  derivedDims: {W: (_, {columns}) => wordsOf(columns), E: (_, {columns}) => columns},
  checkAttributes: checkProduct('linearHalf'),
  forward: kernel('linear_half', reference.linearHalf, ['B L', 'D', 'E', 'format']),
  composed: composed.linearHalf,
  cases: productCases,
  sample: {weight: sampleWords},
};

export const linearTransposedHalfOp: OpDefinition<HalfAttributes> = {
  ...common,
  name: 'linearTransposedHalf',
  inputs: {
    x: {shape: 'B L D', dtype: 'float32'},
    weight: {shape: 'E W', dtype: 'int32'},
    bias: {shape: 'E', dtype: 'float32', optional: true},
  },
  outputs: {y: {shape: 'B L E', dtype: 'float32', role: 'result'}},
  derivedDims: {W: (_, {columns}) => wordsOf(columns), D: (_, {columns}) => columns},
  checkAttributes: checkProduct('linearTransposedHalf'),
  forward: kernel('linear_transposed_half', reference.linearTransposedHalf, ['B L', 'D', 'E', 'format']),
  composed: composed.linearTransposedHalf,
  cases: productCases,
  sample: {weight: sampleWords},
};

export const embeddingLookupHalfOp: OpDefinition<HalfAttributes> = {
  ...common,
  name: 'embeddingLookupHalf',
  inputs: {
    table: {shape: 'V W', dtype: 'int32'},
    ids: {shape: 'B L', dtype: 'int32', onHost: true},
  },
  outputs: {y: {shape: 'B L D', dtype: 'float32', role: 'result'}},
  derivedDims: {W: (_, {columns}) => wordsOf(columns), D: (_, {columns}) => columns},
  checkAttributes: attrs => checkFormat('embeddingLookupHalf', attrs),
  integerRange: {ids: ({V}) => [0, V - 1]},
  forward: kernel('embedding_lookup_half', reference.embeddingLookupHalf, ['B L', 'D', 'format']),
  composed: composed.embeddingLookupHalf,
  cases: lookupCases,
  sample: {table: sampleWords, ids: sampleIds},
};
