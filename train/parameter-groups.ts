// Which parameters decay and which learn at a rate of their own, decided by name and rank alone.

import {MEMORY_GATE} from '../layers/memory-gate.js';

export interface ParameterGroup {
  /** Learning rate as a multiple of the schedule's. */
  readonly rateFactor: number;
  readonly weightDecay: number;
}

export interface GroupOptions {
  readonly ssmRateFactor: number;
  readonly gateRateFactor: number;
  readonly weightDecay: number;
}

/**
 * Parameters of an SSM (`ssm.` in the name) learn at their own rate, as in the B'MOJO paper's two learning rates, and so do the
 * gates of memories, which begin closed and are few beside trained weights. Matrices decay, but not `A_log`, `D`, biases and
 * norms: decay would pull the recurrence towards forgetting nothing.
 */
export function groupOf(name: string, rank: number, options: GroupOptions): ParameterGroup {
  const own = name.split('/').at(-1) ?? name;
  const decays = rank >= 2 && !/(A_log|bias|norm)/.test(own);
  return {
    rateFactor: rateFactorOf(own, options),
    weightDecay: decays ? options.weightDecay : 0,
  };
}

function rateFactorOf(name: string, {ssmRateFactor, gateRateFactor}: GroupOptions): number {
  if (name.startsWith('ssm.')) return ssmRateFactor;
  return name === MEMORY_GATE ? gateRateFactor : 1;
}
