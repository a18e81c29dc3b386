// Loss, accuracy and gradients of one step's batch, computed in one part or several.

import type {NamedTensorMap, Scalar, Tensor, Tensor1D, Tensor2D} from '@tensorflow/tfjs-core';
import {
  add,
  addN,
  argMax,
  cast,
  dispose,
  engine,
  equal,
  fill,
  keep,
  mul,
  sum,
  tidy,
} from '@tensorflow/tfjs-core';
import type {HostInput} from '../custom-ops/index.js';
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

/** The step's batch as tensors, part by part: tokens [B, L], scored rows [1, R], labels [R]. */
export interface PartTensors {
  readonly tokens: Tensor2D;
  readonly rows: Tensor2D;
  readonly labels: Tensor1D;
}

/** What the step takes from the host, three inputs for each part. */
export function hostInputs(parts: readonly Batch[]): HostInput[] {
  return parts.flatMap(({tokens, rows, labels, size, length}) => [
    {values: tokens, shape: [size, length]},
    {values: rows, shape: [1, rows.length]},
    {values: labels, shape: [labels.length]},
  ]);
}

export function partTensors(inputs: readonly Tensor[]): PartTensors[] {
  return Array.from({length: inputs.length / 3}, (_, part) => ({
    tokens: inputs[3 * part] as Tensor2D,
    rows: inputs[3 * part + 1] as Tensor2D,
    labels: inputs[3 * part + 2] as Tensor1D,
  }));
}

/** Constants that stay on the device: uploading a number costs more than an operation. */
export class DeviceConstants {
  private readonly tensors = new Map<string, Tensor>();

  /** Not the caller's to dispose, like the vectors. */
  scalar(value: number): Scalar {
    return this.known(String(value), () => fill([], value) as Scalar);
  }

  /** [length], `value` everywhere. */
  vector(value: number, length: number): Tensor1D {
    return this.known(`${value} x ${length}`, () => fill([length], value) as Tensor1D);
  }

  private known<T extends Tensor>(key: string, make: () => T): T {
    const known = this.tensors.get(key);
    if (known !== undefined) return known as T;
    const created = keep(make());
    this.tensors.set(key, created);
    return created;
  }

  dispose(): void {
    dispose([...this.tensors.values()]);
    this.tensors.clear();
  }
}

/** Weighted by 1 / labels of the whole batch, so that parts of unequal numbers of labels sum to the mean. */
function partOutcome(
  model: TrainableModel,
  part: PartTensors,
  weight: number,
  constants: DeviceConstants,
): Outcome {
  const parameters = model.parameters();
  let kept: Tensor2D | undefined;
  const {value, grads} = engine().gradients<Tensor1D>(
    () => {
      const logits = scoredLogits(model, part.tokens, part.rows);
      kept = keep(logits);
      return crossEntropy(logits, part.labels, {reduction: 'none'});
    },
    parameters.map(({variable}) => variable),
    constants.vector(weight, part.labels.size),
    true,
  );
  const gradients: NamedTensorMap = {};
  parameters.forEach(({name, variable}, i) => {
    if (grads[i] == null) throw new Error(`train: the loss does not depend on parameter ${name}`);
    gradients[variable.name] = grads[i];
  });
  const [loss, accuracy] = tidy(() => {
    const right = cast(equal(argMax<Tensor1D>(kept!, 1), part.labels), 'float32');
    const share = constants.scalar(weight);
    return [mul<Scalar>(sum(value), share), mul<Scalar>(sum(right), share)];
  });
  dispose([kept!, value]);
  return {loss, accuracy, gradients};
}

/** The mean loss over all labels of the parts, with its gradients; only one part's activations live at a time. */
export function batchOutcome(
  model: TrainableModel,
  parts: readonly PartTensors[],
  constants: DeviceConstants,
): Outcome {
  const labels = parts.reduce((total, part) => total + part.labels.size, 0);
  return parts
    .map(part => () => partOutcome(model, part, 1 / labels, constants))
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
