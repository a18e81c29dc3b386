// Shapes on which embeddingLookup is tested and timed: ids repeat, so that gradients add up.

import type {Attributes, OpCase} from '../op.js';

const attrs: Attributes = {};

export const cases: OpCase<Attributes>[] = [
  {name: 'one', dims: {V: 1, D: 1, B: 1, L: 1}, attrs, use: 'test'},
  {name: 'odd', dims: {V: 11, D: 13, B: 2, L: 7}, attrs, use: 'test'},
  {name: 'repeated ids', dims: {V: 3, D: 8, B: 3, L: 63}, attrs, use: 'test'},
  {name: 'V512 D128 B8 L1024', dims: {V: 512, D: 128, B: 8, L: 1024}, attrs, use: 'bench'},
  {name: 'several blocks', dims: {V: 40, D: 150, B: 2, L: 600}, attrs: {}, use: 'cuda'},
  {name: 'several rows a block', dims: {V: 2500, D: 5, B: 1, L: 3000}, attrs: {}, use: 'cuda'},
  {name: 'more tokens of a row than kept', dims: {V: 2, D: 3, B: 1, L: 5000}, attrs: {}, use: 'cuda'},
];
