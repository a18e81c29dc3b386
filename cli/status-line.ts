// One line of progress: it stays in place on a terminal, and comes now and then elsewhere.

export interface StatusOutput {
  readonly isTTY?: boolean;
  readonly columns?: number;
  write(text: string): unknown;
}

/** Milliseconds between two lines. */
export interface StatusInterval {
  readonly terminal: number;
  readonly elsewhere: number;
}

const CLEAR = '\r\u001b[2K';

export class StatusLine {
  private open = false;

  /** Times are milliseconds; the first line is due `interval` after `shownAt`. */
  constructor(
    private readonly output: StatusOutput,
    private readonly interval: StatusInterval = {terminal: 200, elsewhere: 5000},
    private shownAt = -Infinity,
  ) {}

  /** Whether it is time for another line; if so the clock starts anew. `always`: without regard to the time. */
  isDue(at: number, always = false): boolean {
    const {terminal, elsewhere} = this.interval;
    if (at - this.shownAt < (this.output.isTTY === true ? terminal : elsewhere) && !always) return false;
    this.shownAt = at;
    return true;
  }

  show(line: string): void {
    const {isTTY, columns = 120} = this.output;
    this.output.write(isTTY === true ? `${CLEAR}${line.slice(0, columns - 1)}` : `${line}\n`);
    this.open = isTTY === true;
  }

  /** Leaves the line standing and goes to the next. */
  end(): void {
    if (this.open) this.output.write('\n');
    this.open = false;
  }

  /** Removes the line. */
  clear(): void {
    if (this.open) this.output.write(CLEAR);
    this.open = false;
  }
}
