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
import type {Batch} from '../data/batch.js';
import {scoredLogits} from '../eval/score.js';
import type {TrainableModel} from './trainable.js';

export interface Outcome {
  readonly loss: Scalar;
  readonly accuracy: Scalar;
  /** By variable name. */
  readonly gradients: NamedTensorMap;
}

/** Weighted so that parts of unequal numbers of labels sum to the mean over all labels. */
function partOutcome(model: TrainableModel, batch: Batch, weight: number): Outcome {
  const variables = model.parameters().map(parameter => parameter.variable);
  let kept: Tensor2D | undefined;
  const {value, grads} = variableGrads(() => {
    const logits = scoredLogits(model, batch);
    kept = keep(logits);
    return mul(crossEntropy(logits, tensor1d(batch.labels, 'int32')), scalar(weight));
  }, variables);
  for (const {name, variable} of model.parameters()) {
    if (grads[variable.name] == null) throw new Error(`train: the loss does not depend on parameter ${name}`);
  }
  const accuracy = tidy(() => {
    const predicted = argMax<Tensor1D>(kept!, 1);
    return mul<Scalar>(
      mean(cast(equal(predicted, tensor1d(batch.labels, 'int32')), 'float32')),
      scalar(weight),
    );
  });
  kept?.dispose();
  return {loss: value, accuracy, gradients: grads};
}

/** The mean loss over all labels of the parts, with its gradients; only one part's activations live at a time. */
export function batchOutcome(model: TrainableModel, parts: readonly Batch[]): Outcome {
  const labels = parts.reduce((total, part) => total + part.rows.length, 0);
  return parts
    .map(part => () => partOutcome(model, part, part.rows.length / labels))
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
      return summed;
    }, undefined)!;
}
