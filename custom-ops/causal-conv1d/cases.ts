// Shapes on which causalConv1d is tested and timed.

import type {OpCase} from '../op.js';
import type {CausalConvAttributes} from './attributes.js';

const silu: CausalConvAttributes = {activation: 'silu'};
const none: CausalConvAttributes = {activation: 'none'};

export const cases: OpCase<CausalConvAttributes>[] = [
  {name: 'one token', dims: {B: 2, L: 1, E: 4, K: 4}, attrs: silu, use: 'test'},
  {name: 'shorter than the kernel', dims: {B: 2, L: 3, E: 5, K: 7}, attrs: silu, use: 'test'},
  {name: 'L63 E13', dims: {B: 2, L: 63, E: 13, K: 4}, attrs: silu, use: 'test'},
  {name: 'L100 K2', dims: {B: 1, L: 100, E: 24, K: 2}, attrs: none, use: 'test'},
  {name: 'K16', dims: {B: 1, L: 33, E: 9, K: 16}, attrs: silu, use: 'test'},
  {name: 'without bias', dims: {B: 1, L: 9, E: 6, K: 3}, attrs: none, omit: ['bias'], use: 'test'},
  {
    name: 'without initialState',
    dims: {B: 1, L: 9, E: 6, K: 3},
    attrs: silu,
    omit: ['initialState'],
    use: 'test',
  },
  {name: 'L37 E12', dims: {B: 2, L: 37, E: 12, K: 4}, attrs: silu, use: 'test'},
  {name: 'B4 L512 E256 K4', dims: {B: 4, L: 512, E: 256, K: 4}, attrs: silu, use: 'bench'},
  {name: 'several segments', dims: {B: 2, L: 150, E: 140, K: 4}, attrs: {activation: 'silu'}, use: 'cuda'},
];
