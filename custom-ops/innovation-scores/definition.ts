import {checkInteger} from '../check.js';
import type {OpDefinition} from '../op.js';
import type {InnovationScoresAttributes} from './attributes.js';
import {cases} from './cases.js';
import {composed} from './composed.js';
import {forward} from './reference.js';

export const innovationScoresOp: OpDefinition<InnovationScoresAttributes> = {
  name: 'innovationScores',
  inputs: {y: {shape: 'B L D', dtype: 'float32'}},
  outputs: {scores: {shape: 'B L', dtype: 'float32', role: 'result'}},
  attributes: {span: {type: 'int', least: 1}},
  checkAttributes: ({span}) => {
    checkInteger('innovationScores', 'span', span, 1, 64);
  },
  forward: {
    reference: forward,
    native: {symbol: 'innovation_scores', scalars: ['B', 'L', 'D', 'span']},
  },
  composed,
  cases,
};
