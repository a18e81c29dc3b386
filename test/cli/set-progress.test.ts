import {expect} from 'chai';
import {SetProgress} from '../../cli/set-progress.js';
import type {TrainEvent} from '../../train/events.js';

const started: TrainEvent = {type: 'started', step: 0, steps: 100, parameters: 9, tokensPerStep: 640};
const step = (number: number): TrainEvent => ({
  type: 'step',
  step: number,
  loss: 2,
  accuracy: number / 100,
  rate: 1e-3,
  gradientNorm: 1,
});

describe('progress of several runs', () => {
  it('puts the runs that go on side by side and names every other event', () => {
    let text = '';
    let clock = 0;
    const output = {isTTY: true, columns: 300, write: (part: string) => (text += part)};
    const progress = new SetProgress({output, json: false, now: () => clock});
    const show = (name: string, event: TrainEvent, at: number): void => {
      clock = at;
      progress.show({name, event});
    };
    show('a', started, 0);
    show('b', started, 0);
    show('b', step(20), 1000);
    show('a', step(10), 2000);
    expect(text.split('\u001b[2K').at(-1)).to.equal(
      '18s left  16000 tokens/s  |  a 10/100 10.0 %  |  b 20/100 20.0 %',
    );
    show('b', {type: 'finished', step: 100}, 3000);
    expect(text.endsWith('\nb: finished after step 100\n')).to.equal(true);
    show('a', step(30), 6000);
    expect(text.split('\u001b[2K').at(-1)).to.equal('14s left  3200 tokens/s  |  a 30/100 30.0 %');
  });
});
