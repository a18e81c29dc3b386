import {expect} from 'chai';
import {Adviser} from '../../cli/adviser.js';
import {workloadFamily} from '../../experiments/families/index.js';
import {parseRunConfig} from '../../experiments/run-config.js';

describe('advice while training', () => {
  const report = (accuracy: number) => ({
    samples: 2,
    queries: 8,
    loss: 1.4,
    accuracy,
    macroAccuracy: accuracy,
    exactAccuracy: 0,
    classAccuracy: accuracy,
    byDistance: [],
  });
  function said(task: string, data: object, seen: [number, number][]): string {
    let text = '';
    const config = parseRunConfig(task, {data, train: {steps: 100}});
    const adviser = new Adviser(workloadFamily(task), config, {write: part => (text += part)});
    for (const [step, accuracy] of seen) adviser.see(step, report(accuracy));
    return text;
  }
  const four = {pairs: 4, length: 64, vocabSize: 64};

  it('says that a model stays at guessing among the pairs, half-way and in the end, and what helps', () => {
    const text = said('mqar', four, [
      [25, 0.25],
      [50, 0.256],
      [75, 0.26],
      [100, 0.27],
    ]);
    expect(text.match(/^note: after \d+/gm)).to.deep.equal(['note: after 50', 'note: after 100']);
    expect(text)
      .to.include('guesses among the values that a sample holds: 25.6 % right, guessing gives 25.0 %')
      .and.include('--resume --steps 200')
      .and.include('--seed');
  });

  it('says why a training ended before its last step, and nothing where it did not', () => {
    const ended = (at: number, accuracy: number): string => {
      let text = '';
      const train = {steps: 100, stopAccuracy: 0.9, patience: 3};
      const config = parseRunConfig('mqar', {data: four, train});
      const adviser = new Adviser(workloadFamily('mqar'), config, {write: part => (text += part)});
      adviser.see(at, report(accuracy));
      adviser.end(at);
      return text;
    };
    expect(ended(40, 0.95)).to.equal(
      'note: ended after 40 of 100 steps: the held-out accuracy reached --stop-accuracy 0.9\n',
    );
    expect(ended(40, 0.8)).to.include('no better held out for 3 evaluations (--patience 3)');
    expect(ended(100, 0.95)).to.equal('');
  });

  it('says nothing of a model that learns, and knows each task’s own guess', () => {
    expect(said('mqar', four, [[100, 0.9]])).to.equal('');
    expect(said('mqar', {...four, pairs: 2}, [[100, 0.9]])).to.equal('');
    expect(said('mqar', {...four, pairs: 2}, [[100, 0.52]])).to.include('guessing gives 50.0 %');
    expect(said('mqar-mixture', {testParts: '64x8', parts: '16x2:1'}, [[100, 0.13]])).to.include('12.5 %');
    expect(said('selective-copying', {}, [[100, 0]])).to.include('guesses at random');
  });
});
