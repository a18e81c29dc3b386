// Shapes on which rotaryEmbedding is tested and timed.

import type {Attributes, OpCase} from '../op.js';

const attrs: Attributes = {};

export const cases: OpCase<Attributes>[] = [
  {name: 'one pair', dims: {B: 1, L: 1, H: 1, Dh: 2}, attrs, use: 'test'},
  {name: 'odd', dims: {B: 2, L: 7, H: 3, Dh: 14}, attrs, use: 'test'},
  {name: 'long', dims: {B: 1, L: 100, H: 2, Dh: 32}, attrs, use: 'test'},
  {name: 'B8 L1024 H4 Dh64', dims: {B: 8, L: 1024, H: 4, Dh: 64}, attrs, use: 'bench'},
];
