// Loss, accuracy and gradients of one step's batch, computed in one micro-batch or several.

import type {NamedTensorMap, Scalar, Tensor, Tensor1D} from '@tensorflow/tfjs-core';
import {add, addN, dispose, fill, keep, mul, sum, tidy} from '@tensorflow/tfjs-core';
import type {HostInput} from '../custom-ops/index.js';
import {crossEntropy} from '../custom-ops/index.js';
import {withPacking} from '../custom-ops/saved-tensors.js';
import type {ValueAndGradients} from '../custom-ops/value-and-gradients.js';
import {valueAndGradients} from '../custom-ops/value-and-gradients.js';
import {rowBlocks} from '../models/row-blocks.js';
import type {ModelState} from '../models/state.js';
import {keepState} from '../models/state.js';
import type {ActivationFormat} from './activation-formats.js';
import {packingOf} from './activations.js';
import type {RowScores} from './blocked-loss.js';
import {blockedLoss, rightRows} from './blocked-loss.js';
import type {TrainableModel} from './trainable.js';
import type {MicroBatch} from './workload.js';

export interface Outcome {
  readonly loss: Scalar;
  readonly accuracy: Scalar;
  /** By variable name. */
  readonly gradients: NamedTensorMap;
  /** What each micro-batch left for the next update, when it left something. */
  readonly memory: readonly ModelState[];
}

/** A micro-batch with what it takes from the host as tensors. */
export interface GivenMicroBatch<M> {
  readonly microBatch: MicroBatch<M>;
  /** [R]. */
  readonly labels: Tensor1D;
  readonly inputs: readonly Tensor[];
}

/** What the step takes from the host: of each micro-batch its labels and its inputs. */
export function hostInputs<M>(microBatches: readonly MicroBatch<M>[]): HostInput[] {
  return microBatches.flatMap(({labels, inputs}) => [{values: labels, shape: [labels.length]}, ...inputs]);
}

/** Hands the tensors of `hostInputs` to their micro-batches. */
export function givenMicroBatches<M>(
  microBatches: readonly MicroBatch<M>[],
  tensors: readonly Tensor[],
): GivenMicroBatch<M>[] {
  let at = 0;
  return microBatches.map(microBatch => {
    const [labels, ...inputs] = tensors.slice(at, at + 1 + microBatch.inputs.length);
    at += 1 + microBatch.inputs.length;
    return {microBatch, labels: labels as Tensor1D, inputs};
  });
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

/** What of an update its outcome depends on. */
export interface OutcomeOptions {
  /** Gradients are those of so many times the loss. Default: of the loss. */
  readonly factor?: Scalar;
  /** In what activations are kept for the gradient. Default 'float32'. */
  readonly activations?: ActivationFormat;
  /** Rows whose logits are held at once; 0: see {@link rowBlocks}. */
  readonly logitRows: number;
}

/** Weighted by 1 / labels of the whole batch, so that micro-batches of unequal numbers of labels sum to the mean. */
function microBatchOutcome<M extends TrainableModel>(
  model: M,
  {microBatch, labels, inputs}: GivenMicroBatch<M>,
  past: ModelState | undefined,
  weight: number,
  constants: DeviceConstants,
  {factor, activations = 'float32', logitRows}: OutcomeOptions,
): Outcome {
  const parameters = model.parameters();
  let scores: RowScores | undefined;
  let memory: readonly ModelState[] = [];
  const shares = constants.vector(weight, labels.size);
  const cotangent = factor === undefined ? shares : mul<Tensor1D>(shares, factor);
  const blocks = rowBlocks(labels.size, model.vocabSize, logitRows);
  const take = (): ValueAndGradients<Tensor> =>
    valueAndGradients<Tensor>(
      () => {
        const {rows, memory: left} = microBatch.forward(model, inputs, past);
        if (left !== undefined) memory = [keepState(left)];
        if (blocks.length > 1)
          return blockedLoss({model, rows, labels, cotangent}, blocks, found => {
            scores = found;
          });
        const logits = model.logits(rows);
        const losses = crossEntropy(logits, labels, {reduction: 'none'});
        scores = {losses: keep(losses), right: keep(rightRows(logits, labels))};
        return losses;
      },
      parameters.map(({variable}) => variable),
      blocks.length > 1 ? constants.scalar(1) : cotangent,
      place => `parameter ${parameters[place].name}`,
    );
  const {value, grads} = withPacking(packingOf(activations), take);
  const gradients: NamedTensorMap = {};
  parameters.forEach(({variable}, i) => {
    gradients[variable.name] = grads[i];
  });
  const {losses, right} = scores!;
  const [loss, accuracy] = tidy(() => {
    const share = constants.scalar(weight);
    return [mul<Scalar>(sum(losses), share), mul<Scalar>(sum(right), share)];
  });
  dispose([losses, right, value]);
  return {loss, accuracy, gradients, memory};
}

/**
 * The mean loss over all labels of the micro-batches, with its gradients; only one micro-batch's activations live at a time.
 * `past` is what each micro-batch goes on from, or empty.
 */
export function batchOutcome<M extends TrainableModel>(
  model: M,
  microBatches: readonly GivenMicroBatch<M>[],
  past: readonly ModelState[],
  constants: DeviceConstants,
  options: OutcomeOptions,
): Outcome {
  const total = microBatches.reduce((count, {labels}) => count + labels.size, 0);
  return microBatches
    .map(
      (microBatch, i) => () => microBatchOutcome(model, microBatch, past[i], 1 / total, constants, options),
    )
    .reduce<Outcome | undefined>((sums, compute) => {
      const next = compute();
      if (sums === undefined) return next;
      const summed = tidy(() => ({
        loss: add<Scalar>(sums.loss, next.loss),
        accuracy: add<Scalar>(sums.accuracy, next.accuracy),
        gradients: Object.fromEntries(
          Object.entries(sums.gradients).map(([name, gradient]) => [
            name,
            addN([gradient, next.gradients[name]]),
          ]),
        ),
      }));
      for (const old of [sums, next]) dispose([old.loss, old.accuracy, old.gradients]);
      return {...summed, memory: [...sums.memory, ...next.memory]};
    }, undefined)!;
}
