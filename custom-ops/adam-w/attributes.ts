// The options of one AdamW step as every form of it takes them.

export type AdamWAttributes = {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Number of the step, from 1, skipped ones included. */
  readonly step: number;
};

export const adamWFactorNames = [
  'beta1',
  'rest1',
  'beta2',
  'rest2',
  'epsilon',
  'keep',
  'rate',
  'correction',
  'learningRate',
  'step',
  'logBeta1',
  'logBeta2',
] as const;

/** e to the power of it is no float32 beside 1, and it is finite for a beta of 0 as well. */
const LEAST_LOG = -100;

/**
 * Factors of the update, in the order of their names, in double precision: 1 - beta would lose its digits in float32. The last
 * four are for steps of which some were skipped: `rate` and `correction` are those where none was.
 */
export function adamWFactors(attrs: AdamWAttributes): number[] {
  const {learningRate, beta1, beta2, epsilon, weightDecay, step} = attrs;
  return [
    beta1,
    1 - beta1,
    beta2,
    1 - beta2,
    epsilon,
    1 - learningRate * weightDecay,
    learningRate / (1 - beta1 ** step),
    1 / Math.sqrt(1 - beta2 ** step),
    learningRate,
    step,
    Math.max(LEAST_LOG, Math.log(beta1)),
    Math.max(LEAST_LOG, Math.log(beta2)),
  ];
}

/**
 * How 1 - e^x is computed in float32 for x <= 0: from `LEAST_POWER` on, by so many terms of the series of e^y - 1 at
 * y = x / 2^DOUBLINGS, doubled as often: e^2y - 1 = (e^y - 1) (e^y - 1 + 2).
 */
export const LEAST_POWER = -32;
export const DOUBLINGS = 7;
export const TERMS = 6;
