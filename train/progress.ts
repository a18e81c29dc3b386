// Training events as words: one line that stays in place on a terminal, plain lines elsewhere.

import {perplexityText} from '../eval/table.js';
import type {TrainEvent} from './events.js';
import type {StatusOutput} from './status-line.js';
import {StatusLine} from './status-line.js';
import type {Report} from './workloads/index.js';
import {isLanguageReport} from './workloads/index.js';

export const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;

/** `75` as `1m15s`. */
export function duration(seconds: number): string {
  const whole = Math.max(0, Math.round(seconds));
  if (whole < 60) return `${whole}s`;
  if (whole < 3600) return `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`;
  return `${Math.floor(whole / 3600)}h${String(Math.floor(whole / 60) % 60).padStart(2, '0')}m`;
}

/** Follows one run's events and tells its speed; time comes from outside so that tests need no clock. */
export class Pace {
  private begun: {step: number; at: number} | undefined;
  private now = 0;
  private step = 0;
  private steps = 0;
  private tokensPerStep = 0;

  see(event: TrainEvent<unknown>, milliseconds: number): void {
    this.now = milliseconds;
    if (event.type === 'started') {
      this.steps = event.steps;
      this.tokensPerStep = event.tokensPerStep;
      this.begun = {step: event.step, at: milliseconds};
    }
    if (event.type === 'step') this.step = event.step;
  }

  private get secondsPerStep(): number {
    if (this.begun === undefined || this.step <= this.begun.step) return Number.NaN;
    return (this.now - this.begun.at) / 1000 / (this.step - this.begun.step);
  }

  get words(): string {
    const each = this.secondsPerStep;
    if (Number.isNaN(each)) return '';
    const left = duration((this.steps - this.step) * each);
    return `${Math.round(this.tokensPerStep / each)} tokens/s  ${left} left`;
  }
}

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
      return (
        `step ${event.step}/${steps}  loss ${event.loss.toFixed(3)}  accuracy ${percent(event.accuracy)}  ` +
        `rate ${event.rate.toExponential(2)}  gradient ${event.gradientNorm.toPrecision(3)}  ${pace.words}`
      );
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
