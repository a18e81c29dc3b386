// Which parameters decay and which learn at the state-space rate, decided by name and rank alone.

export interface ParameterGroup {
  /** Learning rate as a multiple of the schedule's. */
  readonly rateFactor: number;
  readonly weightDecay: number;
}

export interface GroupOptions {
  readonly ssmRateFactor: number;
  readonly weightDecay: number;
}

/**
 * Parameters of an SSM (`ssm.` in the name) learn at their own rate, as in the B'MOJO paper's two learning rates; matrices
 * decay, but not `A_log`, `D`, biases and norms: decay would pull the recurrence towards forgetting nothing.
 */
export function groupOf(name: string, rank: number, options: GroupOptions): ParameterGroup {
  const own = name.split('/').at(-1) ?? name;
  const decays = rank >= 2 && !/(A_log|bias|norm)/.test(own);
  return {
    rateFactor: own.startsWith('ssm.') ? options.ssmRateFactor : 1,
    weightDecay: decays ? options.weightDecay : 0,
  };
}
