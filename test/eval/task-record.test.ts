// Tables and plots of evaluations call settings by the names of their options.

import {expect} from 'chai';
import {mqarMixture} from '../../data/mqar-mixture.js';
import type {RecallReport} from '../../eval/recall.js';
import type {EvaluationRecord} from '../../eval/report/record.js';
import type {TaskVariant} from '../../eval/task-record.js';
import {taskRecord} from '../../eval/task-record.js';

const report: RecallReport = {
  accuracy: 0.5,
  macroAccuracy: 0.5,
  classAccuracy: 0.5,
  exactAccuracy: 0.5,
  loss: 1,
  samples: 2,
  queries: 4,
  byDistance: [{from: 1, to: 8, queries: 4, accuracy: 0.5}],
};

const recordOf = (...settings: TaskVariant['settings'][]): EvaluationRecord =>
  taskRecord({
    family: mqarMixture,
    variants: settings.map(one => ({settings: one, length: 16, chance: 0.1, stateBytes: 64, report})),
    trained: {vocabSize: 16},
    model: 'bmojo',
    command: 'bmojo eval mqar-mixture --checkpoint runs/a',
    step: 1,
  });

describe('records of tasks', () => {
  it('name a setting as its option: in the head, the legend and along the axes', () => {
    const parts = recordOf({testParts: '16x2'}, {testParts: '32x4'});
    expect(parts.table[0][0]).to.equal('test-parts');
    expect(parts.plot?.series.map(({name}) => name)).to.deep.equal(['test-parts 16x2', 'test-parts 32x4']);
    expect(recordOf({vocabSize: 16}, {vocabSize: 32}).plot?.xLabel).to.equal('vocab-size');
    const grid = [16, 32].flatMap(vocabSize => [1, 2].map(block => ({vocabSize, block})));
    const {map} = recordOf(...grid);
    expect([map?.xLabel, map?.yLabel]).to.deep.equal(['vocab-size', 'block']);
  });
});
