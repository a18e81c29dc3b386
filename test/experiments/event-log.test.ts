import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {EventLog, scalarsOf} from '../../experiments/event-log.js';
import {parseRunConfig} from '../../experiments/run-config.js';

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

  it('lie in files whose names are in the order of their sessions, also within one second', () => {
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-events-'));
    const config = parseRunConfig('mqar', {data: {length: 16, pairs: 2, vocabSize: 16}});
    const names: string[] = [];
    for (const now of [1_700_000_000_009, 1_700_000_000_063, 1_700_000_000_628, 1_700_000_001_000]) {
      new EventLog(folder, config, 0, now);
      names.push(...readdirSync(folder).filter(name => !names.includes(name)));
    }
    expect(names).to.deep.equal([...names].sort());
    expect(names.length).to.equal(4);
    rmSync(folder, {recursive: true});
  });
});
