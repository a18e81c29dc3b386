// Speed and time left of a training, from its events.

import type {TrainEvent} from './events.js';

/** Seconds in words, as short as they can be read: `75` as `1m15s`. */
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

  /** Seconds until the last step; nothing before the second. */
  get secondsLeft(): number | undefined {
    const each = this.secondsPerStep;
    return Number.isNaN(each) ? undefined : (this.steps - this.step) * each;
  }

  /** Nothing before the second step. */
  get tokensPerSecond(): number | undefined {
    const each = this.secondsPerStep;
    return Number.isNaN(each) ? undefined : this.tokensPerStep / each;
  }

  /** Time left, then speed: a narrow line that is cut keeps the time. Nothing before the second step. */
  get words(): string {
    const {secondsLeft, tokensPerSecond} = this;
    if (secondsLeft === undefined || tokensPerSecond === undefined) return '';
    return `${duration(secondsLeft)} left  ${Math.round(tokensPerSecond)} tokens/s`;
  }
}
