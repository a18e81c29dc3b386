// What weights begin with, and shorter ways to it.

import {expect} from 'chai';
import {normal, symmetric, withRepeatedValues} from '../../layers/initializers.js';

describe('initial weights', () => {
  it('repeat what they begin with where that is asked for, so that the values of large ones are few', () => {
    const shape = [3, 700_000];
    const whole = symmetric(0.5, 7).apply(shape);
    const repeated = withRepeatedValues(() => symmetric(0.5, 7).apply(shape));
    const [own, again] = [whole.dataSync(), repeated.dataSync()];
    const period = again.indexOf(again[0], 1);
    expect(period).to.be.within(1e6, 2 ** 20);
    expect(again.slice(0, period)).to.deep.equal(own.slice(0, period));
    expect(again.slice(period)).to.deep.equal(again.slice(0, again.length - period));
    whole.dispose();
    repeated.dispose();
  });

  it('are drawn to the last where they are few, or nothing was asked', () => {
    const [plain, small] = [normal(1, 3).apply([40]), withRepeatedValues(() => normal(1, 3).apply([40]))];
    expect(small.dataSync()).to.deep.equal(plain.dataSync());
    plain.dispose();
    small.dispose();
  });
});
