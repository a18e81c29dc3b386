// Shapes and value ranges on which ssdScan is tested and timed.

import type {OpCase, OpDefinition} from '../op.js';
import type {SsdScanAttributes} from './attributes.js';
import {NO_MOST} from './attributes.js';

const free: SsdScanAttributes = {deltaLeast: 0, deltaMost: NO_MOST, precision: 'float32'};
const bounded: SsdScanAttributes = {deltaLeast: 0.05, deltaMost: 0.4, precision: 'float32'};
const halves: SsdScanAttributes = {...free, precision: 'float16'};
const extras = ['D', 'deltaBias', 'initialState'] as const;

/** Tested in every precision: few tokens, and two chunks of any length in parts of blocks. */
const inAll = new Set(['one token', 'L130 H6 P12 N20']);
/** Tested in float16 too, whose chunks are longer; tf32 and bfloat16 are computed as float32 is. */
const inHalf = new Set(['L65 P6 N10', 'L200 P1 N1', 'bare']);

const shapes: OpCase<SsdScanAttributes>[] = [
  {name: 'one token', dims: {B: 2, L: 1, H: 4, P: 8, G: 2, N: 16}, attrs: free, use: 'test'},
  {name: 'L7 H3 P5 N3', dims: {B: 2, L: 7, H: 3, P: 5, G: 1, N: 3}, attrs: free, use: 'test'},
  {name: 'L63 P16 N4', dims: {B: 1, L: 63, H: 2, P: 16, G: 1, N: 4}, attrs: free, use: 'test'},
  {name: 'L64 P8 N16', dims: {B: 2, L: 64, H: 2, P: 8, G: 2, N: 16}, attrs: free, use: 'test'},
  {name: 'L65 P6 N10', dims: {B: 1, L: 65, H: 4, P: 6, G: 2, N: 10}, attrs: free, use: 'test'},
  {name: 'L200 P1 N1', dims: {B: 1, L: 200, H: 2, P: 1, G: 1, N: 1}, attrs: free, use: 'test'},
  {name: 'L130 H6 P12 N20', dims: {B: 1, L: 130, H: 6, P: 12, G: 3, N: 20}, attrs: free, use: 'test'},
  {name: 'bounded steps', dims: {B: 1, L: 40, H: 3, P: 4, G: 1, N: 5}, attrs: bounded, use: 'test'},
  {name: 'bare', dims: {B: 2, L: 66, H: 2, P: 6, G: 1, N: 8}, attrs: free, omit: extras, use: 'test'},
  ...extras.map(
    (name): OpCase<SsdScanAttributes> => ({
      name: `without ${name}`,
      dims: {B: 1, L: 9, H: 2, P: 5, G: 1, N: 4},
      attrs: free,
      omit: [name],
      use: 'test',
    }),
  ),
  {name: 'blocks in parts', dims: {B: 1, L: 100, H: 2, P: 70, G: 1, N: 134}, attrs: free, use: 'cuda'},
  {name: 'chunks of 128', dims: {B: 1, L: 200, H: 3, P: 7, G: 1, N: 66}, attrs: halves, use: 'cuda'},
  {name: 'B2 L512 H4 P64 N128', dims: {B: 2, L: 512, H: 4, P: 64, G: 1, N: 128}, attrs: free, use: 'bench'},
  {
    name: 'B4 L1024 H8 P64 N64',
    dims: {B: 4, L: 1024, H: 8, P: 64, G: 1, N: 64},
    attrs: free,
    use: 'bench',
    kernelOnly: true,
  },
];

export const cases: OpCase<SsdScanAttributes>[] = shapes.map(one =>
  inAll.has(one.name)
    ? one
    : {...one, precisions: inHalf.has(one.name) ? ['float32', 'float16'] : ['float32']},
);

/** Decays between a few tokens and a few hundred, as in a trained model. */
export const sample: OpDefinition<SsdScanAttributes>['sample'] = {
  A: (random, _dims, _attrs, length) => Array.from({length}, () => -0.2 - 3 * random.uniform()),
  delta: (random, _dims, _attrs, length) => Array.from({length}, () => random.normal() - 1),
  deltaBias: (random, _dims, _attrs, length) => Array.from({length}, () => random.normal() - 1),
};
