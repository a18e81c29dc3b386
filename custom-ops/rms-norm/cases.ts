// Shapes on which rmsNorm is tested and timed.

import type {OpCase} from '../op.js';
import type {RmsNormAttributes} from './attributes.js';

const attrs: RmsNormAttributes = {epsilon: 1e-5};

export const cases: OpCase<RmsNormAttributes>[] = [
  {name: 'one', dims: {B: 1, L: 1, D: 1}, attrs: {epsilon: 0.5}, use: 'test'},
  {name: 'odd', dims: {B: 2, L: 7, D: 13}, attrs, use: 'test'},
  {name: 'long', dims: {B: 3, L: 100, D: 64}, attrs: {epsilon: 1e-2}, use: 'test'},
  {name: 'several vectors', dims: {B: 2, L: 9, D: 388}, attrs, use: 'test'},
  {name: 'several turns', dims: {B: 3, L: 1400, D: 36}, attrs, use: 'test'},
  {name: 'wide', dims: {B: 1, L: 3, D: 8270}, attrs, use: 'test'},
  {name: 'B8 L1024 D256', dims: {B: 8, L: 1024, D: 256}, attrs, use: 'bench'},
  {name: 'D2048', dims: {B: 1, L: 9, D: 2048}, attrs: {epsilon: 1e-5}, use: 'cuda'},
  {name: 'D512', dims: {B: 2, L: 50, D: 512}, attrs: {epsilon: 1e-5}, use: 'cuda'},
  {name: 'D770', dims: {B: 2, L: 20, D: 770}, attrs: {epsilon: 1e-5}, use: 'cuda'},
  {name: 'D1024', dims: {B: 2, L: 20, D: 1024}, attrs: {epsilon: 1e-5}, use: 'cuda'},
];
