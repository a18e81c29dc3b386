// Progress of work that is counted: share done and time left, on one line of a terminal or now and then elsewhere.

import {duration} from '../train/pace.js';
import type {StatusOutput} from './status-line.js';
import {StatusLine} from './status-line.js';

export class CountProgress {
  private readonly begun: number;
  private done = 0;
  private readonly status: StatusLine;

  /** `total` in any unit; `now` in milliseconds. */
  constructor(
    output: StatusOutput,
    private readonly total: number,
    private readonly now: () => number = Date.now,
  ) {
    this.begun = now();
    this.status = new StatusLine(output, {terminal: 200, elsewhere: 10_000}, this.begun);
  }

  /** Counts `amount` more as done. */
  advance(amount: number, words: string): void {
    this.done += amount;
    const at = this.now();
    if (!this.status.isDue(at)) return;
    const share = this.done / this.total;
    const left = duration(((at - this.begun) / 1000) * ((1 - share) / share));
    this.status.show(`${Math.floor(100 * share)} %  ${left} left  ${words}`);
  }

  /** Clears the line. */
  end(): void {
    this.status.clear();
  }
}
