// Shapes and spans on which innovationScores is tested and timed.

import type {OpCase} from '../op.js';
import type {InnovationScoresAttributes} from './attributes.js';

export const cases: OpCase<InnovationScoresAttributes>[] = [
  {name: 'one token', dims: {B: 2, L: 1, D: 3}, attrs: {span: 4}, use: 'test'},
  {name: 'span 4', dims: {B: 2, L: 37, D: 5}, attrs: {span: 4}, use: 'test'},
  {name: 'span longer than the sequence', dims: {B: 1, L: 7, D: 64}, attrs: {span: 16}, use: 'test'},
  {name: 'span 1', dims: {B: 1, L: 63, D: 8}, attrs: {span: 1}, use: 'test'},
  {name: 'B4 L1024 D128', dims: {B: 4, L: 1024, D: 128}, attrs: {span: 4}, use: 'bench'},
  {name: 'D200', dims: {B: 2, L: 40, D: 200}, attrs: {span: 4}, use: 'cuda'},
];
