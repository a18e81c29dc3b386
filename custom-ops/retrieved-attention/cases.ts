// Shapes on which retrievedAttention is tested and timed.

import type {Attributes, Dims, OpCase, OpDefinition} from '../op.js';

const attrs: Attributes = {};

const testCase = (name: string, dims: Dims): OpCase<Attributes> => ({name, dims, attrs, use: 'test'});

export const cases: OpCase<Attributes>[] = [
  testCase('one row', {B: 1, L: 1, M: 1, H: 1, G: 1, Dh: 4, R: 1}),
  testCase('queries with rows', {B: 1, L: 37, M: 23, H: 2, G: 2, Dh: 8, R: 4}),
  testCase('some queries without rows', {B: 2, L: 37, M: 37, H: 4, G: 2, Dh: 8, R: 3}),
  testCase('heads of a group', {B: 1, L: 20, M: 30, H: 6, G: 2, Dh: 16, R: 5}),
  testCase('rows of 5', {B: 1, L: 9, M: 12, H: 2, G: 1, Dh: 5, R: 2}),
  testCase('wide heads', {B: 1, L: 30, M: 50, H: 1, G: 1, Dh: 64, R: 8}),
  testCase('heads of 32', {B: 2, L: 70, M: 40, H: 4, G: 4, Dh: 32, R: 8}),
  testCase('more places than rows', {B: 1, L: 5, M: 3, H: 2, G: 2, Dh: 4, R: 9}),
  testCase('few rows, many queries', {B: 1, L: 150, M: 2, H: 2, G: 1, Dh: 8, R: 2}),
  testCase('one query', {B: 1, L: 1, M: 300, H: 4, G: 2, Dh: 32, R: 16}),
  {
    name: 'B4 L1024 H4 Dh32 R8',
    dims: {B: 4, L: 1024, M: 1024, H: 4, G: 4, Dh: 32, R: 8},
    attrs,
    use: 'bench',
  },
  {
    name: 'B1 L16384 H4 Dh32 R8',
    dims: {B: 1, L: 16384, M: 16384, H: 4, G: 4, Dh: 32, R: 8},
    attrs,
    use: 'bench',
    kernelOnly: true,
  },
  {name: 'heads of 128', dims: {B: 1, L: 40, M: 60, H: 2, G: 1, Dh: 128, R: 4}, attrs, use: 'cuda'},
  {name: 'heads of 50, many rows', dims: {B: 1, L: 90, M: 700, H: 2, G: 2, Dh: 50, R: 6}, attrs, use: 'cuda'},
];

/**
 * Rows as a search finds them: those of a query differ, and empty places follow. Low numbers come more often, so that
 * queries share rows. Of several sequences the last has queries without any row.
 */
export const sample: OpDefinition['sample'] = {
  rows: (random, {B, L, M, G, R}) => {
    const rows: number[] = [];
    for (let list = 0; list < B * L * G; list++) {
      const least = B > 1 && list >= (B - 1) * L * G ? 0 : 1;
      const count = Math.min(M, least + Math.floor((R + 1 - least) * random.uniform()));
      const own = new Set<number>();
      while (own.size < count) own.add(Math.floor(M * random.uniform() ** 2));
      rows.push(...own, ...Array<number>(R - count).fill(-1));
    }
    return rows;
  },
};
