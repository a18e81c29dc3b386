import {expect} from 'chai';
import {taskFamily} from '../../data/families.js';
import {madSettings, madTaskNames} from '../../data/mad/grid.js';
import type {MadResult} from '../../eval/mad-score.js';
import {madPlot, madScores, madTable} from '../../eval/mad-score.js';
import type {RecallReport} from '../../eval/recall.js';
import {barPlot} from '../../plot/bar-plot.js';

describe("MAD's grid", () => {
  it('has the 66 published settings, each a task that can be made', () => {
    const all = madSettings();
    const counts = madTaskNames.map(name => all.filter(({task}) => task === name).length);
    expect(counts).to.deep.equal([11, 11, 14, 13, 11, 6]);
    expect(new Set(all.map(({task, name}) => `${task}/${name}`)).size).to.equal(66);
    for (const {task, data} of all) {
      const family = taskFamily(task);
      const defaults = Object.fromEntries(
        Object.entries(family.schema).map(([key, field]) => [key, field.default]),
      );
      const made = family.create({...defaults, ...data});
      expect(made.sample({seed: 1, split: 'train', index: 0}).inputs.length).to.be.at.most(made.length);
    }
  });

  it('is taken in part by task and by what is varied', () => {
    expect(madSettings(['mad-memorization'], ['baseline']).map(({name}) => name)).to.deep.equal(['baseline']);
    expect(madSettings(['mad-noisy-recall'], ['noise']).map(({data}) => data)).to.deep.equal([
      {noiseShare: 0.4},
      {noiseShare: 0.6},
      {noiseShare: 0.8},
    ]);
  });
});

describe("MAD's score", () => {
  const result = (model: string, setting: string, rate: number, classAccuracy: number): MadResult => {
    const report: RecallReport = {
      samples: 1,
      queries: 1,
      loss: 1,
      accuracy: classAccuracy / 2,
      macroAccuracy: 0,
      exactAccuracy: 0,
      classAccuracy,
      byDistance: [],
    };
    return {
      model,
      task: setting === 'm' ? 'mad-memorization' : 'mad-recall',
      setting,
      rate,
      weightDecay: 0,
      report,
    };
  };
  const scores = madScores([
    result('a', 'x', 1e-3, 0.2),
    result('a', 'x', 1e-4, 0.6),
    result('a', 'y', 1e-4, 1),
    result('a', 'm', 1e-4, 0.4),
    result('b', 'x', 1e-4, 0.1),
  ]);

  it('takes the best run of each setting, then the mean over settings, then over tasks', () => {
    expect(scores[0].tasks.map(({task, settings}) => [task, settings])).to.deep.equal([
      ['mad-recall', 2],
      ['mad-memorization', 1],
    ]);
    expect(scores[0].tasks[0].classAccuracy).to.be.closeTo(0.8, 1e-12);
    expect(scores[0].classAccuracy).to.be.closeTo(0.6, 1e-12);
    expect(scores[0].accuracy).to.be.closeTo(0.3, 1e-12);
    expect(madTable(scores)).to.deep.equal([
      ['model', 'recall', 'memorization', 'mean'],
      ['a', '80.0 (40.0)', '40.0 (20.0)', '60.0 (30.0)'],
      ['b', '10.0 (5.0)', '- (-)', '10.0 (5.0)'],
    ]);
  });

  it('chooses the run by accuracy per class, as MAD does, not by the plain one', () => {
    const [best, other] = [result('a', 'x', 1e-3, 0.6), result('a', 'x', 1e-4, 0.5)];
    const often = {...other, report: {...other.report, accuracy: 0.9}};
    for (const results of [
      [best, often],
      [often, best],
    ])
      expect(madScores(results)[0]).to.include({classAccuracy: 0.6, accuracy: 0.3});
  });

  it('is drawn as bars, none for what was not measured', () => {
    const svg = barPlot(madPlot(scores));
    expect(svg.match(/<rect/g), 'paper, two legends, three bars').to.have.lengthOf(1 + 2 + 3);
  });
});
