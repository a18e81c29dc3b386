// The learning rate of every step.

export interface ScheduleOptions {
  readonly steps: number;
  /** Peak rate. */
  readonly rate: number;
  /** Share of the steps in which the rate rises linearly. */
  readonly warmup: number;
  /** Share of the peak that remains at the end. */
  readonly finalRate: number;
}

/**
 * Rate of step `step`, counted from 0: a linear rise that reaches the peak with the last step of the warm-up, then half a
 * cosine down to `finalRate * rate` (Loshchilov & Hutter, arXiv 1608.03983, without restarts).
 */
export function rateAt(step: number, {steps, rate, warmup, finalRate}: ScheduleOptions): number {
  const rising = Math.round(warmup * steps);
  if (step < rising) return (rate * (step + 1)) / rising;
  const progress = Math.min(1, (step - rising) / Math.max(1, steps - rising));
  return rate * (finalRate + (1 - finalRate) * 0.5 * (1 + Math.cos(Math.PI * progress)));
}
