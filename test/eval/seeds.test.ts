import {expect} from 'chai';
import {meanCurve} from '../../eval/compare.js';
import {seedColumns, seedSummaries} from '../../eval/seeds.js';

describe('models over seeds', () => {
  const runs = [0.9, 0.7, 0.8].map((value, i) => ({model: 'bmojo', rate: 1e-3, seed: i + 1, value}));
  const other = [0.99, 0.2, 0.3].map((value, i) => ({model: 'bmojo', rate: 1e-2, seed: i + 1, value}));

  it('have mean and deviation at the rate whose mean is best, not at that of the luckiest seed', () => {
    const [summary] = seedSummaries([...runs, ...other], 'larger');
    expect(summary).to.deep.include({model: 'bmojo', rate: 1e-3, seeds: [1, 2, 3], least: 0.7, most: 0.9});
    expect(summary.mean).to.be.closeTo(0.8, 1e-12);
    expect(summary.deviation).to.be.closeTo(0.1, 1e-12);
    expect(seedSummaries([...runs, ...other], 'smaller')[0].rate).to.equal(1e-2);
  });

  it('do not profit from a rate at which seeds diverged, and have no deviation of one seed', () => {
    expect(seedSummaries([...runs, other[0]], 'larger')[0].rate).to.equal(1e-3);
    expect(seedSummaries([other[0], ...runs], 'larger')[0].rate).to.equal(1e-3);
    const [single] = seedSummaries([other[0]], 'larger');
    expect(single).to.not.have.property('deviation');
    const words = (value: number): string => value.toFixed(2);
    const alone = seedColumns([single], 'accuracy', words);
    expect([alone.head, alone.row(single)]).to.deep.equal([['accuracy'], ['0.99']]);
    const beside = seedColumns([single, ...seedSummaries(runs, 'larger')], 'accuracy', words);
    expect(beside.row(single)).to.deep.equal(['0.99', '-', '0.99', '0.99', '1']);
  });

  it('are told apart by what else differs', () => {
    const varied = [8, 16].flatMap(window =>
      runs.map(run => ({...run, settings: {window}, value: run.value - window / 100})),
    );
    const found = seedSummaries(varied, 'larger');
    expect(found.map(({settings, seeds}) => [settings.window, seeds.length])).to.deep.equal([
      [8, 3],
      [16, 3],
    ]);
    expect(found[0].mean - found[1].mean).to.be.closeTo(0.08, 1e-12);
  });

  it('have one curve, of the steps that every seed reached', () => {
    const curve = meanCurve('a', [
      [
        [1, 0.2],
        [2, 0.4],
        [3, 0.9],
      ],
      [
        [1, 0.4],
        [2, 0.8],
      ],
    ]);
    expect(curve.points.map(([step]) => step)).to.deep.equal([1, 2]);
    expect(curve.points[1][1]).to.be.closeTo(0.6, 1e-12);
    expect(curve.errors?.[0]).to.be.closeTo(Math.sqrt(0.02), 1e-12);
  });
});
