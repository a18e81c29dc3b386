// Sizes on which sumOfSquares is tested and timed.

import type {Attributes, OpCase} from '../op.js';

const attrs: Attributes = {};

export const cases: OpCase<Attributes>[] = [
  {name: 'one', dims: {'*': 1}, attrs, use: 'test'},
  {name: 'odd', dims: {'*': 77}, attrs, use: 'test'},
  {name: 'several blocks', dims: {'*': 9001}, attrs, use: 'test'},
  {name: 'many blocks', dims: {'*': 70_000}, attrs, use: 'test'},
  {name: '1M', dims: {'*': 2 ** 20}, attrs, use: 'bench'},
];
