// How the products of an op are computed, whatever its tensors are: those stay float32.

/**
 * Numbers to which the factors of a product may be rounded before they are multiplied; sums are float32. A backend that does
 * not have a format computes wider, in float32, never in another format: `tf32` and `bfloat16` keep float32's range,
 * `float16` ends at 65,504, beyond which there is infinity.
 */
export const precisions = ['float32', 'tf32', 'float16', 'bfloat16'] as const;

/** One of {@link precisions}: how an op, a layer or a model computes its products. */
export type Precision = (typeof precisions)[number];
