import {expect} from 'chai';
import {rateAt} from '../../train/schedule.js';

describe('learning-rate schedule', () => {
  const options = {steps: 100, rate: 2, warmup: 0.1, finalRate: 0.1};
  const rates = Array.from({length: 101}, (_, step) => rateAt(step, options));

  it('rises linearly, peaks with the last warm-up step, and falls along half a cosine', () => {
    expect(rates.slice(0, 10)).to.deep.equal([0.2, 0.4, 0.6, 0.8, 1, 1.2, 1.4, 1.6, 1.8, 2]);
    expect(rates[10]).to.equal(2);
    expect(rates[55]).to.be.closeTo(2 * (0.1 + 0.9 / 2), 1e-12);
    expect(rates[100]).to.be.closeTo(0.2, 1e-12);
    for (let step = 11; step <= 100; step++) expect(rates[step]).to.be.below(rates[step - 1]);
  });

  it('starts at the peak without warm-up, and never leaves it with a constant end', () => {
    expect(rateAt(0, {...options, warmup: 0})).to.equal(2);
    expect(rateAt(70, {...options, finalRate: 1})).to.equal(2);
  });
});
