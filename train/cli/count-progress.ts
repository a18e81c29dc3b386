// Progress of work that is counted: share done and time left, on one line of a terminal or now and then elsewhere.

import type {ProgressOutput} from '../progress.js';
import {duration} from '../progress.js';

export class CountProgress {
  private readonly begun: number;
  private done = 0;
  private shownAt: number;
  private open = false;

  /** `total` in any unit; `now` in milliseconds. */
  constructor(
    private readonly output: ProgressOutput,
    private readonly total: number,
    private readonly now: () => number = Date.now,
  ) {
    this.begun = now();
    this.shownAt = this.begun;
  }

  /** Counts `amount` more as done. */
  advance(amount: number, words: string): void {
    this.done += amount;
    const at = this.now();
    const terminal = this.output.isTTY === true;
    if (at - this.shownAt < (terminal ? 200 : 10000)) return;
    this.shownAt = at;
    const share = this.done / this.total;
    const left = duration(((at - this.begun) / 1000) * ((1 - share) / share));
    const line = `${words}  ${Math.floor(100 * share)} %  ${left} left`;
    this.output.write(
      terminal ? `\r\u001b[2K${line.slice(0, (this.output.columns ?? 120) - 1)}` : `${line}\n`,
    );
    this.open = terminal;
  }

  /** Clears the line. */
  end(): void {
    if (this.open) this.output.write('\r\u001b[2K');
    this.open = false;
  }
}
