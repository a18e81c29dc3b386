import type {Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import type {ConvActivation} from './attributes.js';
import {causalConv1dOp} from './definition.js';

/** Tensors of {@link causalConv1d}; `bias` and `initialState` may be left out. */
export interface CausalConvInputs {
  /** [B, L, E]. */
  x: Tensor3D;
  /** [K, E], K in [2, 16]; the last tap sees the current token. */
  weight: Tensor2D;
  /** [E]. */
  bias?: Tensor1D;
  /** The K-1 inputs before the first, [B, K-1, E]; default zeros. */
  initialState?: Tensor3D;
}

/** Options of {@link causalConv1d}, all of which may be left out. */
export interface CausalConvOptions {
  /** Applied to the sum. Default 'none'. */
  activation?: ConvActivation;
}

/**
 * Depthwise causal convolution over time: y[t] = activation(sum over i of weight[i] x[t-K+1+i] + bias).
 *
 * Returns y [B, L, E] and finalState [B, K-1, E], the last K-1 inputs; differentiable in every input.
 * Errors: ArgumentError on a wrong rank, size, dtype or activation.
 */
export function causalConv1d(
  inputs: CausalConvInputs,
  options: CausalConvOptions = {},
): {y: Tensor3D; finalState: Tensor3D} {
  const {y, finalState} = runOp(causalConv1dOp, {...inputs}, {activation: options.activation ?? 'none'});
  return {y: y as Tensor3D, finalState: finalState as Tensor3D};
}
