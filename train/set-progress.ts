// Progress of several runs on one line, with the time left of the slowest.

import type {ProgressOutput} from './progress.js';
import {eventLine, Pace, percent} from './progress.js';
import type {NamedEvent} from './run-set.js';

interface Followed {
  readonly pace: Pace;
  step: number;
  steps: number;
  accuracy: number;
  done: boolean;
}

export interface SetProgressOptions {
  readonly output: ProgressOutput;
  readonly json: boolean;
  readonly now?: () => number;
}

export class SetProgress {
  private readonly runs = new Map<string, Followed>();
  private shownAt = -Infinity;
  private open = false;

  constructor(private readonly options: SetProgressOptions) {}

  show({name, event}: NamedEvent): void {
    const {output, json, now = Date.now} = this.options;
    if (json) {
      output.write(`${JSON.stringify({run: name, ...event})}\n`);
      return;
    }
    const at = now();
    const run = this.runs.get(name) ?? {pace: new Pace(), step: 0, steps: 0, accuracy: 0, done: false};
    this.runs.set(name, run);
    run.pace.see(event, at);
    if (event.type === 'started') run.steps = event.steps;
    if (event.type === 'finished' || event.type === 'stopped') run.done = true;
    if (event.type === 'step') {
      run.step = event.step;
      run.accuracy = event.accuracy;
      this.line(at);
      return;
    }
    const line = eventLine(event, run.pace, run.steps);
    if (line === undefined) return;
    this.endLine();
    output.write(`${name}: ${line}\n`);
  }

  private line(at: number): void {
    const {output} = this.options;
    const terminal = output.isTTY === true;
    if (at - this.shownAt < (terminal ? 200 : 5000)) return;
    this.shownAt = at;
    const running = [...this.runs].filter(([, run]) => !run.done);
    const words = running.map(
      ([name, {step, steps, accuracy, pace}]) =>
        `${name} ${step}/${steps} ${percent(accuracy)} ${pace.words}`,
    );
    const line = words.join('  |  ');
    if (!terminal) {
      output.write(`${line}\n`);
      return;
    }
    output.write(`\r\u001b[2K${line.slice(0, (output.columns ?? 120) - 1)}`);
    this.open = true;
  }

  endLine(): void {
    if (this.open) this.options.output.write('\n');
    this.open = false;
  }
}
