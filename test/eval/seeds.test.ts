import {expect} from 'chai';
import {seedSummaries, seedTable} from '../../eval/seeds.js';

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
    const [single] = seedSummaries([other[0]], 'larger');
    expect(single).to.not.have.property('deviation');
    expect(seedTable([single], 'accuracy', value => value.toFixed(2))[1]).to.deep.equal([
      ...['bmojo', '0.99', '-', '0.99', '0.99', '1', 1e-2],
    ]);
  });
});
