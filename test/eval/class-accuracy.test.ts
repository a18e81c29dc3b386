import {expect} from 'chai';
import {classAccuracy} from '../../eval/class-accuracy.js';

describe('accuracy by class', () => {
  it('averages over the classes of a group, answers never wanted included, then over groups', () => {
    const first = [
      {sample: 0, label: 1, predicted: 1},
      {sample: 5, label: 1, predicted: 2},
      {sample: 127, label: 3, predicted: 3},
    ];
    // Classes 1 (half), 2 (never wanted: 0), 3 (1).
    expect(classAccuracy(first)).to.be.closeTo(0.5, 1e-12);
    const second = [{sample: 128, label: 1, predicted: 1}];
    expect(classAccuracy([...first, ...second])).to.be.closeTo((0.5 + 1) / 2, 1e-12);
    expect(classAccuracy([])).to.equal(0);
  });
});
