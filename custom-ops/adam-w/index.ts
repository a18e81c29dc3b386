import type {Scalar, Tensor, Variable} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {runTogether} from '../together.js';
import {adamWOp} from './definition.js';

/** What one step of {@link adamW} reads and writes: a parameter, its gradient and its two moments. */
export interface AdamWState {
  /** Any shape; written in place. */
  parameter: Variable;
  /** Of the parameter's shape. */
  gradient: Tensor;
  /** Running mean of gradients, of the parameter's shape, zeros before the first step; written in place. */
  firstMoment: Variable;
  /** Running mean of squared gradients, of the parameter's shape, zeros before the first step; written in place. */
  secondMoment: Variable;
  /**
   * Multiplies the gradient first: a clipping or averaging factor that need not leave the device. NaN: the step is skipped, and
   * nothing changes.
   */
  gradientScale?: Scalar;
  /**
   * Steps before this one that were skipped, on the device: `step` counts them, the correction of the moments' bias does not, since
   * the moments have not seen them. At most step - 1, which is not checked. Default: none.
   */
  skipped?: Scalar;
}

/** Numbers of one step of {@link adamW}; defaults stand beside each. */
export interface AdamWOptions {
  /** Learning rate of this step. */
  learningRate: number;
  /** Number of this step, from 1, skipped ones included. */
  step: number;
  /** Decay of the first moment. Default 0.9. */
  beta1?: number;
  /** Decay of the second moment. Default 0.999. */
  beta2?: number;
  /** Added to the root of the second moment. Default 1e-8. */
  epsilon?: number;
  /** Decoupled: the parameter shrinks by learningRate * weightDecay. Default 0. */
  weightDecay?: number;
}

/**
 * One AdamW step of a parameter, or of several at once, in place: p *= 1 - rate * decay; p -= rate * (m / c1) / (sqrt(v / c2) + epsilon), ci = 1 - betai^(step - skipped).
 *
 * Kernels write the memory of the variables, and tf shares memory between a variable and its clones, reshaped views,
 * the tensor that it was made from or was last assigned, and, on the cpu backend, the typed array behind that tensor:
 * all of these change too (on tensorflow they keep the old values). Copy first what must stay.
 *
 * Of several parameters all have the same `gradientScale` and `skipped`, and none shares its memory with another; on webgpu they take few
 * commands together, and the same bits as one by one.
 * Errors: ArgumentError on a wrong shape, dtype or option, where a variable is no tf.Variable, or is given twice.
 * Source: arXiv 1711.05101.
 */
export function adamW(state: AdamWState | readonly AdamWState[], options: AdamWOptions): void {
  const {learningRate, step, beta1 = 0.9, beta2 = 0.999, epsilon = 1e-8, weightDecay = 0} = options;
  const attrs = {learningRate, step, beta1, beta2, epsilon, weightDecay};
  if ('parameter' in state) runOp(adamWOp, {...state}, attrs);
  else
    runTogether(
      adamWOp,
      state.map(one => ({...one})),
      attrs,
    );
}
