import {checkInteger} from '../check.js';
import type {Attributes, OpCase, OpDefinition} from '../op.js';
import {composed} from './composed.js';
import {forward} from './reference.js';

export interface InnovationScoresAttributes extends Attributes {
  /** Fading tokens k that predict the next one. */
  readonly span: number;
}

const test = (
  name: string,
  B: number,
  L: number,
  D: number,
  span: number,
): OpCase<InnovationScoresAttributes> => ({
  name,
  dims: {B, L, D},
  attrs: {span},
  use: 'test',
});

export const innovationScoresOp: OpDefinition<InnovationScoresAttributes> = {
  name: 'innovationScores',
  inputs: {y: {shape: 'B L D', dtype: 'float32'}},
  outputs: {scores: {shape: 'B L', dtype: 'float32', role: 'result'}},
  checkAttributes: ({span}) => {
    checkInteger('innovationScores', 'span', span, 1, 64);
  },
  forward: {
    reference: forward,
    native: {symbol: 'innovation_scores', scalars: ({B, L, D}, {span}) => [B, L, D, span]},
  },
  composed,
  cases: [
    test('one token', 2, 1, 3, 4),
    test('span 4', 2, 37, 5, 4),
    test('span longer than the sequence', 1, 7, 64, 16),
    test('span 1', 1, 63, 8, 1),
    {name: 'B4 L1024 D128', dims: {B: 4, L: 1024, D: 128}, attrs: {span: 4}, use: 'bench'},
  ],
};
