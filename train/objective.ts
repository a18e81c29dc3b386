// Loss, accuracy and gradients of one step's batch, computed in one part or several.

import type {NamedTensorMap, Scalar, Tensor1D, Tensor2D} from '@tensorflow/tfjs-core';
import {
  add,
  addN,
  argMax,
  cast,
  dispose,
  equal,
  keep,
  mean,
  mul,
  scalar,
  tensor1d,
  tidy,
  variableGrads,
} from '@tensorflow/tfjs-core';
import {crossEntropy} from '../custom-ops/index.js';
import type {ModelState} from '../models/language-model.js';
import {keepState} from './memory.js';
import type {TrainableModel} from './trainable.js';
import type {Part} from './workload.js';

export interface Outcome {
  readonly loss: Scalar;
  readonly accuracy: Scalar;
  /** By variable name. */
  readonly gradients: NamedTensorMap;
  /** What each part left for the next update, when it left something. */
  readonly memory: readonly ModelState[];
}

/** Weighted so that parts of unequal numbers of labels sum to the mean over all labels. */
function partOutcome<M extends TrainableModel>(
  model: M,
  part: Part<M>,
  weight: number,
  past: ModelState | undefined,
): Outcome {
  const variables = model.parameters().map(parameter => parameter.variable);
  let kept: Tensor2D | undefined;
  let memory: readonly ModelState[] = [];
  const {value, grads} = variableGrads(() => {
    const {logits, memory: left} = part.forward(model, past);
    kept = keep(logits);
    if (left !== undefined) memory = [keepState(left)];
    return mul(crossEntropy(logits, tensor1d(part.labels, 'int32')), scalar(weight));
  }, variables);
  for (const {name, variable} of model.parameters()) {
    if (grads[variable.name] == null) throw new Error(`train: the loss does not depend on parameter ${name}`);
  }
  const accuracy = tidy(() => {
    const predicted = argMax<Tensor1D>(kept!, 1);
    return mul<Scalar>(
      mean(cast(equal(predicted, tensor1d(part.labels, 'int32')), 'float32')),
      scalar(weight),
    );
  });
  kept?.dispose();
  return {loss: value, accuracy, gradients: grads, memory};
}

/**
 * The mean loss over all labels of the parts, with its gradients; only one part's activations live at a time.
 * `past` is what each part goes on from, or empty.
 */
export function batchOutcome<M extends TrainableModel>(
  model: M,
  parts: readonly Part<M>[],
  past: readonly ModelState[] = [],
): Outcome {
  const labels = parts.reduce((total, part) => total + part.labels.length, 0);
  return parts
    .map((part, i) => () => partOutcome(model, part, part.labels.length / labels, past[i]))
    .reduce<Outcome | undefined>((total, compute) => {
      const next = compute();
      if (total === undefined) return next;
      const summed = tidy(() => ({
        loss: add<Scalar>(total.loss, next.loss),
        accuracy: add<Scalar>(total.accuracy, next.accuracy),
        gradients: Object.fromEntries(
          Object.entries(total.gradients).map(([name, gradient]) => [
            name,
            addN([gradient, next.gradients[name]]),
          ]),
        ),
      }));
      for (const old of [total, next]) dispose([old.loss, old.accuracy, old.gradients]);
      return {...summed, memory: [...total.memory, ...next.memory]};
    }, undefined)!;
}
