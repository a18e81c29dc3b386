// Progress of several runs on one line, with the time left of the slowest.

import {percent} from '../eval/table.js';
import type {NamedEvent} from '../experiments/run-set.js';
import {duration, Pace} from '../train/pace.js';
import {eventLine} from './progress.js';
import type {StatusOutput} from './status-line.js';
import {StatusLine} from './status-line.js';

interface Followed {
  readonly pace: Pace;
  step: number;
  steps: number;
  accuracy: number;
  done: boolean;
}

export interface SetProgressOptions {
  readonly output: StatusOutput;
  readonly json: boolean;
  readonly now?: () => number;
}

export class SetProgress {
  private readonly runs = new Map<string, Followed>();
  private readonly status: StatusLine;

  constructor(private readonly options: SetProgressOptions) {
    this.status = new StatusLine(options.output);
  }

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
    if (!this.status.isDue(at)) return;
    const running = [...this.runs].filter(([, run]) => !run.done);
    const paces = running.map(([, {pace}]) => pace);
    const left = Math.max(...paces.map(({secondsLeft = 0}) => secondsLeft));
    const speed = paces.reduce((sum, {tokensPerSecond = 0}) => sum + tokensPerSecond, 0);
    const words = running.map(
      ([name, {step, steps, accuracy}]) => `${name} ${step}/${steps} ${percent(accuracy)}`,
    );
    // The time first: a narrow terminal shows the beginning of the line alone.
    this.status.show([`${duration(left)} left  ${Math.round(speed)} tokens/s`, ...words].join('  |  '));
  }

  endLine(): void {
    this.status.end();
  }
}
