import {expect} from 'chai';
import type {OpTiming} from '../../bench/ops.js';
import {measurable, median, spread} from '../../bench/timing.js';
import {row} from '../../cli/bench-ops.js';

describe('bench under load', () => {
  it('tells the median with the distance between the quartiles', () => {
    expect(median([5, 1, 2, 100])).to.equal(3.5);
    expect(spread([1, 2, 3, 4, 5])).to.equal(2);
    expect(spread([1, 2, 3, 4])).to.equal(1.5);
    expect(spread([7])).to.equal(0);
  });

  it('calls a difference of nothing or less not measurable', () => {
    expect([0.2, 0, -0.3, Number.NaN, undefined].map(measurable)).to.deep.equal([
      0.2,
      ...Array.from({length: 4}, () => undefined),
    ]);
    const timing: OpTiming = {
      op: 'linear',
      case: 'small',
      form: 'kernel',
      backend: 'wasm',
      forwardMs: 2,
      forwardSpreadMs: 0.5,
      totalMs: 1.9,
      totalSpreadMs: 0.19,
      notMeasurable: true,
      runs: 5,
      clock: 'host',
      forwardBytes: 1024,
      peakBytes: 1024,
    };
    expect(row(timing, timing)).to.match(/2\.00 +25 % +not measurable +1\.90 +10 %/);
    expect(row({...timing, notMeasurable: false, backwardMs: 0.4}, timing)).to.include(' 0.40 ');
  });
});
