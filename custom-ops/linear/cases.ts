// Shapes on which linear and linearTransposed are tested and timed: tiles, panels and blocks cut in odd places.

import type {OpCase} from '../op.js';
import type {LinearAttributes} from './attributes.js';

const attrs: LinearAttributes = {precision: 'float32'};
const omit = ['bias'];

export const cases: OpCase<LinearAttributes>[] = [
  {name: 'one', dims: {B: 1, L: 1, D: 1, E: 1}, attrs, use: 'test'},
  {name: 'decode step', dims: {B: 3, L: 1, D: 13, E: 22}, attrs, use: 'test'},
  {name: 'no bias', dims: {B: 2, L: 7, D: 5, E: 8}, attrs, omit, use: 'test'},
  {name: 'odd', dims: {B: 1, L: 67, D: 11, E: 37}, attrs, use: 'test'},
  {name: 'deep', dims: {B: 1, L: 6, D: 261, E: 9}, attrs, use: 'test'},
  {name: 'wide', dims: {B: 1, L: 5, D: 3, E: 521}, attrs, omit, use: 'test'},
  {name: 'long', dims: {B: 4, L: 100, D: 16, E: 12}, attrs, use: 'test'},
  {name: 'whole blocks', dims: {B: 2, L: 64, D: 64, E: 128}, attrs, omit, use: 'test'},
  {name: 'many tokens', dims: {B: 2, L: 1037, D: 20, E: 36}, attrs, use: 'test'},
  {name: 'B8 L512 D128 E256', dims: {B: 8, L: 512, D: 128, E: 256}, attrs, use: 'bench'},
];
