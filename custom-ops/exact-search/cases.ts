// Shapes, windows and streams on which exactSearch is tested and timed.

import type {Dims, OpCase, OpDefinition} from '../op.js';
import type {ExactSearchAttributes} from './attributes.js';

const all: ExactSearchAttributes = {count: 4, window: 0, queryOffset: 0, phase: 0};

function testCase(
  name: string,
  dims: Dims,
  attrs: Partial<ExactSearchAttributes>,
  has: 'admitted' | 'all rows' = 'all rows',
): OpCase<ExactSearchAttributes> {
  return {name, dims, attrs: {...all, ...attrs}, omit: has === 'admitted' ? [] : ['admitted'], use: 'test'};
}

const cudaCase = (
  name: string,
  dims: Dims,
  attrs: Partial<ExactSearchAttributes>,
): OpCase<ExactSearchAttributes> => ({
  name,
  dims,
  attrs: {...all, ...attrs},
  omit: ['admitted'],
  use: 'cuda',
});

const one = (N: number, Dh: number): OpCase<ExactSearchAttributes> => ({
  name: `one query, N${N} Dh${Dh} R8`,
  dims: {B: 1, L: 1, N, G: 1, Dh},
  attrs: {...all, count: 8},
  omit: ['admitted'],
  use: 'bench',
});

export const cases: OpCase<ExactSearchAttributes>[] = [
  testCase('one row', {B: 1, L: 1, N: 1, G: 1, Dh: 4}, {count: 2}),
  testCase('every row', {B: 2, L: 5, N: 37, G: 2, Dh: 8}, {}),
  testCase('more places than rows', {B: 1, L: 3, N: 5, G: 2, Dh: 3}, {count: 9}),
  testCase('rows of 5', {B: 1, L: 7, N: 100, G: 1, Dh: 5}, {count: 3}),
  testCase('one query of many rows', {B: 1, L: 1, N: 3001, G: 1, Dh: 64}, {count: 8}),
  testCase('few queries of many rows', {B: 1, L: 3, N: 1500, G: 2, Dh: 32}, {count: 16}),
  testCase('ties among many rows', {B: 1, L: 2, N: 2600, G: 1, Dh: 2}, {count: 12}),
  testCase('many places, more rows', {B: 1, L: 1, N: 1500, G: 1, Dh: 8}, {count: 300}),
  testCase('best alone', {B: 2, L: 9, N: 63, G: 1, Dh: 16}, {count: 1}),
  testCase('admitted rows', {B: 2, L: 6, N: 70, G: 2, Dh: 8}, {}, 'admitted'),
  testCase('sequence', {B: 2, L: 41, N: 41, G: 2, Dh: 8}, {window: 8}),
  testCase('sequence, admitted rows', {B: 1, L: 63, N: 63, G: 1, Dh: 16}, {window: 7, count: 5}, 'admitted'),
  testCase('window 1', {B: 1, L: 9, N: 9, G: 2, Dh: 4}, {window: 1}),
  testCase('sequence within two windows', {B: 1, L: 15, N: 15, G: 1, Dh: 4}, {window: 8}),
  testCase('long sequence', {B: 1, L: 300, N: 300, G: 1, Dh: 32}, {window: 16, count: 8}),
  testCase('stream', {B: 2, L: 21, N: 61, G: 2, Dh: 8}, {window: 8, queryOffset: 40, phase: 3}),
  testCase('stream of one token', {B: 2, L: 1, N: 40, G: 2, Dh: 8}, {window: 8, queryOffset: 39, phase: 7}),
  testCase(
    'stream, its rows apart',
    {B: 1, L: 10, N: 20, G: 1, Dh: 8},
    {window: 4, queryOffset: 24, phase: 2},
  ),
  testCase('many groups', {B: 8, L: 5, N: 20, G: 8, Dh: 8}, {}),
  testCase('many sequences', {B: 16, L: 70, N: 70, G: 2, Dh: 5}, {window: 8, count: 6}, 'admitted'),
  one(100_000, 64),
  {...one(1_000_000, 64), kernelOnly: true},
  {
    name: 'B4 L1024 G4 Dh32 w64 R8',
    dims: {B: 4, L: 1024, N: 1024, G: 4, Dh: 32},
    attrs: {...all, count: 8, window: 64},
    omit: ['admitted'],
    use: 'bench',
  },
  cudaCase('many places, several parts', {B: 1, L: 2, N: 5000, G: 1, Dh: 20}, {count: 700}),
  cudaCase('rows of 200', {B: 1, L: 1, N: 3000, G: 2, Dh: 200}, {count: 8}),
  cudaCase('many groups, heads of 64', {B: 8, L: 5, N: 140, G: 8, Dh: 64}, {count: 8}),
  cudaCase('many groups, heads of 100', {B: 8, L: 5, N: 40, G: 8, Dh: 100}, {count: 3}),
];

/** Multiples of an eighth, whose products any order of adding sums up exactly: ties are ties in every precision. */
const eighths: NonNullable<OpDefinition['sample']>[string] = (random, _dims, _attrs, length) =>
  Array.from({length}, () => Math.floor(17 * random.uniform()) / 8 - 1);

export const sample: OpDefinition<ExactSearchAttributes>['sample'] = {
  q: eighths,
  k: eighths,
  admitted: (random, _dims, _attrs, length) =>
    Array.from({length}, () => (random.uniform() < 0.4 ? 0 : random.uniform() < 0.5 ? 1 : -7)),
};
