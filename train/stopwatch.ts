// Speed of a run's updates, without its evaluations and checkpoints.

import type {TrainEvent} from './events.js';

/** Measures the speed of a run's updates from its events, without its evaluations and checkpoints. */
export class Stopwatch {
  private tokensPerStep = 0;
  private steps = 0;
  private milliseconds = 0;
  private lapped = {steps: 0, milliseconds: 0};
  /** When the last step was seen, unless something else came since. */
  private since: number | undefined;

  see(event: TrainEvent<unknown>, now = performance.now()): void {
    if (event.type === 'started') this.tokensPerStep = event.tokensPerStep;
    if (event.type !== 'step') {
      this.since = undefined;
      return;
    }
    if (this.since !== undefined) {
      this.steps++;
      this.milliseconds += now - this.since;
    }
    this.since = now;
  }

  /** Tokens a second since the last call; nothing where no two steps came in a row. */
  lap(): {tokensPerSecond?: number} {
    const steps = this.steps - this.lapped.steps;
    const milliseconds = this.milliseconds - this.lapped.milliseconds;
    this.lapped = {steps: this.steps, milliseconds: this.milliseconds};
    return steps === 0 ? {} : {tokensPerSecond: (steps * this.tokensPerStep * 1000) / milliseconds};
  }

  /** Nothing before two steps came in a row. */
  get result(): {tokensPerSecond?: number} {
    if (this.steps === 0) return {};
    return {tokensPerSecond: (this.steps * this.tokensPerStep * 1000) / this.milliseconds};
  }
}
