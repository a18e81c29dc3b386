// Shapes, windows and streams on which memoryAttention is tested and timed.

import type {Dims, OpCase, OpDefinition} from '../op.js';
import type {MemoryAttentionAttributes} from './attributes.js';

const whole: MemoryAttentionAttributes = {
  window: 8,
  fading: 'sliding',
  fadingTokens: 0,
  queryOffset: 0,
  firstRow: 0,
  phase: 0,
  precision: 'float32',
};

function testCase(
  name: string,
  dims: Dims,
  attrs: Partial<MemoryAttentionAttributes>,
  omit: readonly string[] = [],
): OpCase<MemoryAttentionAttributes> {
  const merged = {...whole, ...attrs};
  const precisions = inHalf.has(name) ? (['float32', 'float16'] as const) : (['float32'] as const);
  return {
    name,
    dims: {M: dims.L + merged.queryOffset, ...dims},
    attrs: merged,
    omit,
    precisions,
    use: 'test',
  };
}

/** Tested in float16 too: several blocks on matrix units, in each of their kernels, and what is too small for them. */
const inHalf = new Set(['L37 grouped', 'several tiles of keys', 'blocks of queries, slots and keys']);

const fadingOff = ['kFading', 'vFading'] as const;
const training = {...whole, window: 64};
const long = (L: number): OpCase<MemoryAttentionAttributes> => ({
  name: `B1 L${L} H4 Dh32 w64 me32`,
  dims: {B: 1, L, M: L, H: 4, G: 4, Dh: 32, me: 32},
  attrs: training,
  use: 'bench',
  kernelOnly: true,
});

export const cases: OpCase<MemoryAttentionAttributes>[] = [
  testCase('one token', {B: 1, L: 1, H: 1, G: 1, Dh: 4, me: 2}, {}),
  testCase('L37 grouped', {B: 2, L: 37, H: 4, G: 2, Dh: 8, me: 6}, {}),
  testCase('L7 within the window', {B: 1, L: 7, H: 2, G: 2, Dh: 5, me: 3}, {}),
  testCase('L63 w7', {B: 1, L: 63, H: 2, G: 1, Dh: 32, me: 4}, {window: 7}),
  testCase('L100 w16 wide heads', {B: 1, L: 100, H: 1, G: 1, Dh: 64, me: 16}, {window: 16}),
  testCase('window 1', {B: 1, L: 9, H: 2, G: 2, Dh: 4, me: 3}, {window: 1}),
  testCase('chunk fading', {B: 2, L: 41, H: 2, G: 2, Dh: 8, me: 5}, {fading: 'chunk', fadingTokens: 5}),
  testCase(
    'chunk fading beyond the chunk',
    {B: 1, L: 33, H: 2, G: 1, Dh: 4, me: 2},
    {fading: 'chunk', fadingTokens: 13},
  ),
  testCase('window only', {B: 2, L: 50, H: 4, G: 2, Dh: 8}, {window: 9, fading: 'none'}, [
    ...fadingOff,
    'positions',
  ]),
  testCase('full attention', {B: 1, L: 65, H: 2, G: 2, Dh: 16}, {window: 80, fading: 'none'}, [
    ...fadingOff,
    'positions',
  ]),
  testCase(
    'full attention by a window without end',
    {B: 1, L: 150, H: 1, G: 1, Dh: 5},
    {window: 2 ** 30 - 1, fading: 'none'},
    [...fadingOff, 'positions'],
  ),
  testCase('L one below the window', {B: 2, L: 15, H: 3, G: 1, Dh: 4, me: 3}, {window: 16}),
  testCase('L one above the window', {B: 2, L: 17, H: 3, G: 3, Dh: 4, me: 3}, {window: 16}),
  // Blocks and windows at which tiles that whole blocks see begin and end next to such that they do not.
  testCase('several tiles of keys', {B: 1, L: 150, H: 2, G: 1, Dh: 32, me: 40}, {window: 100}),
  testCase('blocks of queries, slots and keys', {B: 1, L: 300, H: 1, G: 1, Dh: 64, me: 64}, {window: 143}),
  testCase('no stored tokens', {B: 1, L: 40, H: 2, G: 2, Dh: 8}, {}, ['positions']),
  testCase('no fading tokens', {B: 1, L: 40, H: 2, G: 2, Dh: 8, me: 4}, {fading: 'none'}, fadingOff),
  testCase('stream', {B: 2, L: 21, H: 2, G: 1, Dh: 8, me: 4}, {queryOffset: 20, firstRow: 4, phase: 3}),
  testCase(
    'stream of one token',
    {B: 2, L: 1, H: 4, G: 2, Dh: 8, me: 4},
    {queryOffset: 19, firstRow: 4, phase: 7},
  ),
  testCase(
    'stream of one token, parts of keys',
    {B: 2, L: 1, H: 4, G: 2, Dh: 20, me: 70},
    {window: 150, queryOffset: 390, firstRow: 75, phase: 40},
  ),
  testCase(
    'stream of one token, all of the past',
    {B: 1, L: 1, H: 2, G: 2, Dh: 5},
    {window: 1024, queryOffset: 699, firstRow: 130, phase: 5, fading: 'none'},
    [...fadingOff, 'positions'],
  ),
  testCase(
    'stream, chunk fading',
    {B: 1, L: 10, H: 2, G: 2, Dh: 4, me: 3},
    {
      queryOffset: 11,
      firstRow: 3,
      phase: 5,
      fading: 'chunk',
      fadingTokens: 6,
    },
  ),
  testCase(
    'stream that lacks the begin of its chunk',
    {B: 1, L: 9, H: 1, G: 1, Dh: 4, me: 2},
    {window: 12, queryOffset: 2, firstRow: 2, phase: 7, fading: 'chunk', fadingTokens: 3},
  ),
  {
    name: 'B4 L1024 H4 Dh32 w64 me32',
    dims: {B: 4, L: 1024, M: 1024, H: 4, G: 4, Dh: 32, me: 32},
    attrs: training,
    use: 'bench',
  },
  ...[1024, 2048, 4096, 8192, 16384].map(long),
  {
    name: 'heads of 128',
    dims: {B: 1, L: 90, M: 90, H: 2, G: 1, Dh: 128, me: 9},
    attrs: {...whole, window: 20},
    use: 'cuda',
  },
  {
    name: 'heads of 50',
    dims: {B: 1, L: 90, M: 90, H: 2, G: 1, Dh: 50, me: 9},
    attrs: {...whole, window: 20},
    use: 'cuda',
  },
  {
    name: 'several blocks',
    dims: {B: 1, L: 300, M: 300, H: 2, G: 1, Dh: 64, me: 40},
    attrs: {...whole, window: 96},
    use: 'cuda',
  },
  {
    name: 'chunk fading, several blocks',
    dims: {B: 1, L: 300, M: 300, H: 2, G: 2, Dh: 32, me: 7},
    attrs: {...whole, window: 50, fading: 'chunk', fadingTokens: 30},
    use: 'cuda',
  },
  {
    name: 'stream, several blocks',
    dims: {B: 1, L: 200, M: 350, H: 2, G: 1, Dh: 16, me: 20},
    attrs: {...whole, window: 60, queryOffset: 150, firstRow: 30, phase: 33},
    use: 'cuda',
  },
  {
    name: 'full attention, long',
    dims: {B: 1, L: 600, M: 600, H: 1, G: 1, Dh: 64},
    attrs: {...whole, window: 600, fading: 'none'},
    omit: ['kFading', 'vFading', 'positions'],
    use: 'cuda',
  },
];

/**
 * Stored positions as a selection makes them: each row has a score of its own, and a chunk stores the best of all rows
 * that lie a window or more before it, the best first.
 */
export const sample: OpDefinition<MemoryAttentionAttributes>['sample'] = {
  positions: (random, {B, M, C, me}, {window, queryOffset, phase}) => {
    const scores = Float64Array.from({length: B * M}, () => random.uniform());
    const positions: number[] = [];
    for (let b = 0; b < B; b++) {
      let stored: number[] = [];
      let next = 0;
      for (let chunk = 0; chunk < C; chunk++) {
        const limit = Math.min(M, queryOffset - phase + (chunk - 1) * window);
        while (next < limit) stored.push(next++);
        stored.sort((one, other) => scores[b * M + other] - scores[b * M + one]);
        stored = stored.slice(0, me);
        for (let slot = 0; slot < me; slot++) positions.push(stored[slot] ?? -1);
      }
    }
    return positions;
  },
};
