import {expect} from 'chai';
import {ProgressPrinter} from '../../cli/progress.js';
import type {StepEvent, TrainEvent} from '../../train/events.js';
import {duration} from '../../train/pace.js';

const step = (number: number): StepEvent => ({
  type: 'step',
  step: number,
  loss: 2.5,
  accuracy: 0.25,
  rate: 5e-3,
  gradientNorm: 0.731,
});
const started: TrainEvent = {type: 'started', step: 0, steps: 100, parameters: 9, tokensPerStep: 640};

function printed(isTTY: boolean, json: boolean, events: [TrainEvent, number][]): string {
  let text = '';
  let clock = 0;
  const output = {isTTY, columns: 200, write: (part: string) => (text += part)};
  const printer = new ProgressPrinter({output, json, now: () => clock});
  for (const [event, at] of events) {
    clock = at;
    printer.show(event);
  }
  return text;
}

describe('progress', () => {
  it('shows loss, accuracy, rate, gradient norm, speed and time left', () => {
    const text = printed(false, false, [
      [started, 0],
      [step(10), 5000],
    ]);
    expect(text.split('\n')[1]).to.equal(
      'step 10/100  45s left  1280 tokens/s  loss 2.500  accuracy 25.0 %  gradient 0.731  rate 5.00e-3',
    );
  });

  it('keeps the time left on 80 columns, whatever the numbers', () => {
    let text = '';
    let clock = 0;
    const output = {isTTY: true, columns: 80, write: (part: string) => (text += part)};
    const printer = new ProgressPrinter({output, json: false, now: () => clock});
    printer.show({...started, steps: 1_000_000_000, tokensPerStep: 1 << 24});
    clock = 1000;
    printer.show({...step(999_999), loss: 12.345, gradientNorm: 1.234e-7});
    const line = text.split('\u001b[2K').at(-1) ?? '';
    expect(line).to.have.length.below(80);
    expect(line).to.match(/^step 999999\/1000000000 {2}\d+m\d+s left {2}\d+ tokens\/s {2}loss 12\.345/);
  });

  it('stays on one line on a terminal, and prints spaced plain lines elsewhere', () => {
    const events: [TrainEvent, number][] = [
      [started, 0],
      ...[1, 2, 3, 4].map(n => [step(n), n * 300] as [TrainEvent, number]),
    ];
    const terminal = printed(true, false, events);
    expect(terminal.split('\r\u001b[2K')).to.have.lengthOf(5);
    expect(terminal.match(/\n/g)).to.have.lengthOf(1);
    expect(printed(false, false, events).match(/^step/gm)).to.have.lengthOf(1);
    expect(printed(false, false, events)).to.not.include('\u001b');
  });

  it('prints every event as a JSON line when asked', () => {
    const lines = printed(true, true, [
      [started, 0],
      [step(1), 1],
    ]).trim();
    expect(lines.split('\n').map(line => JSON.parse(line))).to.deep.equal([started, step(1)]);
  });

  it('writes times short', () => {
    expect([0, 59.4, 75, 3600, 7505].map(duration)).to.deep.equal(['0s', '59s', '1m15s', '1h00m', '2h05m']);
  });
});
