// In what training may keep activations; imports nothing, so that settings are read before there are operators.

/** Formats in which activations are kept for the gradient: as they are, or rounded to 16 bits, for half of the memory. */
export const activationFormats = ['float32', 'float16', 'bfloat16'] as const;

/** In what activations are kept for the gradient: as they are, or rounded to 16 bits. */
export type ActivationFormat = (typeof activationFormats)[number];
