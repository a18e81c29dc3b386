// Gradients of a computation inside another one, whose own gradient is being recorded or computed.

import type {Tensor} from '@tensorflow/tfjs-core';
import {engine} from '@tensorflow/tfjs-core';

/**
 * The value of a computation and the gradients of `inputs` from the cotangent `dy`, where a gradient is taken already. tf's
 * engine has one tape and counts how deep it is in gradients and kernels; all of it is put aside meanwhile.
 */
export function innerGradients<T extends Tensor>(
  compute: () => T,
  inputs: Tensor[],
  dy: Tensor,
): {value: T; grads: Tensor[]} {
  const {state} = engine();
  const {activeTape, gradientDepth, kernelDepth} = state;
  state.gradientDepth = 0;
  state.kernelDepth = 0;
  try {
    return engine().gradients(compute, inputs, dy as T);
  } finally {
    Object.assign(state, {activeTape, gradientDepth, kernelDepth});
  }
}
