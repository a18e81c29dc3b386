// Shapes on which swiglu is tested and timed.

import type {Attributes, OpCase} from '../op.js';

const attrs: Attributes = {};

export const cases: OpCase<Attributes>[] = [
  {name: 'one', dims: {B: 1, L: 1, E: 1}, attrs, use: 'test'},
  {name: 'odd', dims: {B: 2, L: 7, E: 13}, attrs, use: 'test'},
  {name: 'long', dims: {B: 1, L: 100, E: 24}, attrs, use: 'test'},
  {name: 'B8 L1024 E256', dims: {B: 8, L: 1024, E: 256}, attrs, use: 'bench'},
  {name: 'several blocks', dims: {B: 2, L: 40, E: 64}, attrs: {}, use: 'cuda'},
];
