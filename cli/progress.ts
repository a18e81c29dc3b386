// Training events as words: one line that stays in place on a terminal, plain lines elsewhere.

import {percent, perplexityText} from '../eval/table.js';
import type {Report} from '../experiments/families/index.js';
import {isLanguageReport} from '../experiments/families/index.js';
import type {TrainEvent} from '../train/events.js';
import {Pace} from '../train/pace.js';
import type {StatusOutput} from './status-line.js';
import {StatusLine} from './status-line.js';

/** What an evaluation found, in words. */
export function reportWords(report: Report): string {
  if (isLanguageReport(report)) {
    const {loss, perplexity, bitsPerByte} = report;
    return `held-out loss ${loss.toFixed(4)}, perplexity ${perplexityText(perplexity)}, ${bitsPerByte.toFixed(3)} bits per byte`;
  }
  const far = report.beyondReach;
  const beyond =
    far === undefined || far.queries === 0
      ? ''
      : `, ${percent(far.accuracy)} beyond the reach of all windows`;
  return `held-out accuracy ${percent(report.accuracy)}${beyond}`;
}

/** One line for an event, or undefined for those that need none. */
export function eventLine(event: TrainEvent<Report>, pace: Pace, steps: number): string | undefined {
  switch (event.type) {
    case 'started':
      return `${event.parameters} parameters, ${event.tokensPerStep} tokens a step, steps ${event.step} to ${event.steps}`;
    case 'step':
      return [
        `step ${event.step}/${steps}`,
        ...(pace.words === '' ? [] : [pace.words]),
        `loss ${event.loss.toFixed(3)}`,
        `accuracy ${percent(event.accuracy)}`,
        `gradient ${event.gradientNorm.toPrecision(3)}`,
        `rate ${event.rate.toExponential(2)}`,
        ...(event.lossScale === undefined ? [] : [`scale ${event.lossScale}, ${event.skippedSteps} skipped`]),
      ].join('  ');
    case 'evaluated':
      return `step ${event.step}: ${reportWords(event.report)}`;
    case 'stopped':
      return `stopped: ${event.message}`;
    case 'finished':
      return `finished after step ${event.step}`;
    case 'checkpoint':
      return undefined;
    default:
      return event satisfies never;
  }
}

export interface ProgressOptions {
  readonly output: StatusOutput;
  /** Every event as a JSON line instead of words. */
  readonly json: boolean;
  /** Milliseconds between progress lines: 200 on a terminal, 5,000 elsewhere by default. */
  readonly interval?: number;
  readonly now?: () => number;
}

/** Prints the events of one run. */
export class ProgressPrinter {
  private readonly pace = new Pace();
  private readonly status: StatusLine;
  private steps = 0;

  constructor(private readonly options: ProgressOptions) {
    const {output, interval} = options;
    this.status = new StatusLine(
      output,
      interval === undefined ? undefined : {terminal: interval, elsewhere: interval},
    );
  }

  show(event: TrainEvent<Report>): void {
    const {output, json, now = Date.now} = this.options;
    const at = now();
    this.pace.see(event, at);
    if (event.type === 'started') this.steps = event.steps;
    if (json) {
      output.write(`${JSON.stringify(event)}\n`);
      return;
    }
    const line = eventLine(event, this.pace, this.steps);
    if (line === undefined) return;
    if (event.type === 'step') {
      if (this.status.isDue(at, event.step === this.steps)) this.status.show(line);
      return;
    }
    this.endLine();
    output.write(`${line}\n`);
  }

  /** Leaves the progress line standing and goes to the next. */
  endLine(): void {
    this.status.end();
  }
}
