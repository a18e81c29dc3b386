// Activation recomputation: a block keeps its input alone, and runs again when its gradient is wanted
// (Chen et al. 2016, arXiv 1604.06174).

import type {Tensor, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {clone, customGrad, keep, Variable} from '@tensorflow/tfjs-core';
import {withPacking} from '../custom-ops/saved-tensors.js';
import {valueAndGradients} from '../custom-ops/value-and-gradients.js';
import type {StateTree, StepContext, StepResult, StreamingLayer} from '../layers/index.js';
import {disposeState, stateLeaves} from '../layers/index.js';
import {mapState} from '../layers/state.js';

export interface RecomputeOptions {
  readonly past?: StateTree;
  /** The seed of its dropout must live until the gradient is computed. */
  readonly context: StepContext;
}

/**
 * What `block.step` gives, or `block.apply` without a state, with the block's activations freed at once.
 * The new state carries no gradient.
 */
export function recomputed(
  block: StreamingLayer,
  x: Tensor3D,
  {past, context}: RecomputeOptions,
): StepResult {
  const weights = block.trainableWeights.map(weight => weight.read());
  if (!weights.every(weight => weight instanceof Variable))
    throw new Error(`recompute: the weights of ${block.name} are no variables`);
  const {rotary = []} = context;
  let state: StateTree = {};
  const run = (input: Tensor3D, tables: readonly Tensor[]): StepResult => {
    if (past === undefined) return {y: block.apply(input, {...context.training}) as Tensor3D, state: {}};
    const again = rotary.map((table, i) => ({...table, cosSin: tables[i] as Tensor2D}));
    return block.step(input, past, {...context, rotary: again});
  };
  const op = customGrad((...given) => {
    const save = given[given.length - 1] as (tensors: Tensor[]) => void;
    const input = given[0] as Tensor3D;
    const tables = rotary.map(({cosSin}) => cosSin);
    save([input, ...tables]);
    const result = run(input, tables);
    state = result.state;
    for (const [, held] of stateLeaves(state)) keep(held);
    return {
      value: result.y,
      // One block is at work at a time: packed copies beside what it has at hand would take more.
      gradFunc: (dy: Tensor, [saved, ...angles]: Tensor[]) =>
        withPacking(undefined, () =>
          valueAndGradients(() => run(saved as Tensor3D, angles).y, [saved, ...weights], dy),
        ).grads,
    };
  });
  const y = op(x, ...weights) as Tensor3D;
  // Clones belong to the caller's scope, as the results of any other operation do.
  const own = mapState(state, clone);
  disposeState(state);
  return {y, state: own};
}
