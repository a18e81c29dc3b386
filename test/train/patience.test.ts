import {expect} from 'chai';
import {isExhausted} from '../../train/patience.js';

describe('early stopping', () => {
  it('ends after so many evaluations in a row without a better score', () => {
    const scores = [3, 2, 2.5, 2, 2.1];
    expect(scores.map((_, i) => isExhausted(scores.slice(0, i + 1), 3))).to.deep.equal([
      ...[false, false, false, false, true],
    ]);
    expect(isExhausted([3, 2, 2.5, 1.9], 2), 'the last is better').to.equal(false);
    expect(isExhausted([1, Number.NaN], 1), 'a score that is no number is not better').to.equal(true);
  });

  it('never does with a patience of 0', () => {
    expect(isExhausted([1, 2, 3, 4], 0)).to.equal(false);
  });
});
