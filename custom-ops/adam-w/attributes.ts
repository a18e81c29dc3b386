// The options of one AdamW step as every form of it takes them.

export type AdamWAttributes = {
  readonly learningRate: number;
  readonly beta1: number;
  readonly beta2: number;
  readonly epsilon: number;
  readonly weightDecay: number;
  /** Number of the step, from 1. */
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
] as const;

/** Factors of the update, in the order of their names, in double precision: 1 - beta would lose its digits in float32. */
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
  ];
}
