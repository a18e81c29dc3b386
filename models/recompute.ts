// Activation recomputation: a block keeps its input alone, and runs again when its gradient is wanted
// (Chen et al. 2016, arXiv 1604.06174).

import type {Tensor, Tensor3D} from '@tensorflow/tfjs-core';
import {clone, customGrad, engine, keep, Variable} from '@tensorflow/tfjs-core';
import {holdRotaryTable} from '../custom-ops/index.js';
import type {LayerState, StepResult, StreamingLayer, TrainingCall} from '../layers/index.js';

/** Gradients of a computation inside the gradient of another; tf's engine has one tape, which is put aside meanwhile. */
function innerGradients(compute: () => Tensor, inputs: Tensor[], dy: Tensor): Tensor[] {
  const {state} = engine();
  const outer = state.activeTape;
  try {
    return engine().gradients(compute, inputs, dy).grads;
  } finally {
    state.activeTape = outer;
  }
}

export interface RecomputeOptions {
  readonly past?: LayerState;
  /** Its seed must live until the gradient is computed. */
  readonly training?: TrainingCall;
}

/**
 * What `block.step` gives, or `block.apply` without a state, with the block's activations freed at once.
 * The new state carries no gradient.
 */
export function recomputed(
  block: StreamingLayer,
  x: Tensor3D,
  {past, training}: RecomputeOptions = {},
): StepResult {
  const weights = block.trainableWeights.map(weight => weight.read());
  if (!weights.every(weight => weight instanceof Variable))
    throw new Error(`recompute: the weights of ${block.name} are no variables`);
  let state: LayerState = {position: (past?.position ?? 0) + x.shape[1], tensors: {}};
  const run = (input: Tensor3D): StepResult =>
    past === undefined
      ? {y: block.apply(input, {...training}) as Tensor3D, state}
      : block.step(input, past, training);
  const withTable = holdRotaryTable();
  const op = customGrad((...given) => {
    const save = given[given.length - 1] as (tensors: Tensor[]) => void;
    const input = given[0] as Tensor3D;
    save([input]);
    const result = run(input);
    state = result.state;
    for (const tensor of Object.values(state.tensors)) keep(tensor);
    return {
      value: result.y,
      gradFunc: (dy: Tensor, saved: Tensor[]) =>
        innerGradients(() => withTable(() => run(saved[0] as Tensor3D).y), [saved[0], ...weights], dy),
    };
  });
  const y = op(x, ...weights) as Tensor3D;
  // Clones belong to the caller's scope, as the results of any other operation do.
  const tensors = Object.fromEntries(
    Object.entries(state.tensors).map(([name, kept]) => [name, clone(kept)]),
  );
  for (const kept of Object.values(state.tensors)) kept.dispose();
  return {y, state: {...state, tensors}};
}
