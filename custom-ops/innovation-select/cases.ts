// Shapes, windows and streams on which innovationSelect is tested and timed.

import type {OpCase, OpDefinition} from '../op.js';
import type {InnovationSelectAttributes} from './attributes.js';

const whole: InnovationSelectAttributes = {window: 8, capacity: 6, overlap: false, queryOffset: 0, phase: 0};

function testCase(
  name: string,
  B: number,
  M: number,
  attrs: Partial<InnovationSelectAttributes>,
): OpCase<InnovationSelectAttributes> {
  return {name, dims: {B, M}, attrs: {...whole, ...attrs}, use: 'test'};
}

export const cases: OpCase<InnovationSelectAttributes>[] = [
  testCase('one token', 2, 1, {}),
  testCase('L37', 2, 37, {}),
  testCase('L64 w16, more slots than tokens', 1, 64, {window: 16, capacity: 100}),
  testCase('overlap', 2, 41, {overlap: true}),
  testCase('window 1', 1, 9, {window: 1, capacity: 3}),
  testCase('stream', 2, 41, {queryOffset: 20, phase: 3, capacity: 4}),
  testCase('stream of one token', 1, 25, {queryOffset: 24, phase: 7}),
  {
    name: 'B4 L1024 w64 me32',
    dims: {B: 4, M: 1024},
    attrs: {...whole, window: 64, capacity: 32},
    use: 'bench',
  },
  {
    name: 'several pieces',
    dims: {B: 2, M: 4000},
    attrs: {window: 1500, capacity: 60, overlap: false, queryOffset: 0, phase: 0},
    use: 'cuda',
  },
  {
    name: 'more slots than threads',
    dims: {B: 1, M: 3000},
    attrs: {window: 100, capacity: 700, overlap: true, queryOffset: 0, phase: 0},
    use: 'cuda',
  },
];

export const sample: OpDefinition<InnovationSelectAttributes>['sample'] = {
  // Few distinct values, so that ties are common; some rows have had their chance (-1).
  scores: (random, _dims, _attrs, length) =>
    Array.from({length}, () => (random.uniform() < 0.1 ? -1 : Math.floor(12 * random.uniform()) / 4)),
};
