// Shapes on which dropout is tested and timed.

import type {OpCase} from '../op.js';
import type {DropoutAttributes} from './attributes.js';

export const cases: OpCase<DropoutAttributes>[] = [
  {name: 'one', dims: {B: 1, L: 1, D: 1, S: 2}, attrs: {rate: 0.5, stream: 0}, use: 'test'},
  {name: 'nothing dropped', dims: {B: 1, L: 3, D: 5, S: 2}, attrs: {rate: 0, stream: 1}, use: 'test'},
  {name: 'odd', dims: {B: 2, L: 7, D: 13, S: 2}, attrs: {rate: 0.2, stream: 3}, use: 'test'},
  {name: 'almost all', dims: {B: 1, L: 9, D: 64, S: 2}, attrs: {rate: 0.99, stream: 16777215}, use: 'test'},
  {name: 'long', dims: {B: 2, L: 100, D: 24, S: 2}, attrs: {rate: 0.1, stream: 7}, use: 'test'},
  {name: 'B64 L256 D384', dims: {B: 64, L: 256, D: 384, S: 2}, attrs: {rate: 0.2, stream: 2}, use: 'bench'},
  {name: 'several blocks', dims: {B: 2, L: 40, D: 64, S: 2}, attrs: {rate: 0.25, stream: 5}, use: 'cuda'},
];
