// Shapes on which crossEntropy is tested and timed; every third row is ignored.

import type {OpCase} from '../op.js';
import type {CrossEntropyAttributes} from './attributes.js';

const attrs: CrossEntropyAttributes = {ignoreIndex: -100};

export const cases: OpCase<CrossEntropyAttributes>[] = [
  {name: 'two rows of two', dims: {R: 2, V: 2}, attrs, use: 'test'},
  {name: 'odd', dims: {R: 7, V: 13}, attrs, use: 'test'},
  {name: 'a class that is ignored', dims: {R: 10, V: 5}, attrs: {ignoreIndex: 2}, use: 'test'},
  {name: 'wide', dims: {R: 4, V: 515}, attrs, use: 'test'},
  {name: 'R8192 V512', dims: {R: 8192, V: 512}, attrs, use: 'bench'},
  {name: 'V5000', dims: {R: 9, V: 5000}, attrs: {ignoreIndex: -100}, use: 'cuda'},
  {name: 'V3001', dims: {R: 5, V: 3001}, attrs: {ignoreIndex: -100}, use: 'cuda'},
];
