// What is applied to causalConv1d's sums.

export const activations = ['none', 'silu'] as const;

export type ConvActivation = (typeof activations)[number];

export type CausalConvAttributes = {
  readonly activation: ConvActivation;
};
