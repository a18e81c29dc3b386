import {expect} from 'chai';
import {scalarsOf} from '../../experiments/event-log.js';

const slice = {from: 17, to: 63, queries: 4, accuracy: 0.25};
const recall = {
  samples: 2,
  queries: 8,
  loss: 1.5,
  accuracy: 0.5,
  macroAccuracy: 0.5,
  exactAccuracy: 0,
  classAccuracy: 0.5,
  byDistance: [slice],
};

describe('curves for TensorBoard', () => {
  it('hold what recall is judged by: accuracy beyond the windows, where a question reaches that far', () => {
    const held = {'valid/loss': 1.5, 'valid/accuracy': 0.5};
    expect(scalarsOf({step: 1, evaluated: {...recall, beyondReach: slice}})).to.deep.equal({
      ...held,
      'valid/accuracy_beyond_windows': 0.25,
    });
    const none = {...slice, queries: 0, accuracy: Number.NaN};
    expect(scalarsOf({step: 1, evaluated: {...recall, beyondReach: none}})).to.deep.equal(held);
  });
});
