// Trainings of TensorFlow.js's own (`fit`, `minimize`) with activations in 16 bits: by their optimizer, which is what takes the
// gradient there.

import type {NamedTensorMap, Scalar, Variable} from '@tensorflow/tfjs-core';
import {Optimizer} from '@tensorflow/tfjs-core';
import {checkOneOf, refuse} from '../custom-ops/check.js';
import {withPacking} from '../custom-ops/saved-tensors.js';
import type {ActivationFormat} from './activation-formats.js';
import {activationFormats} from './activation-formats.js';
import {packingOf} from './activations.js';

/** tf has no public name for it. */
type NamedTensor = Awaited<ReturnType<Optimizer['saveIterations']>>;

/** Another optimizer in all but how the gradient is taken. */
class PackedOptimizer extends Optimizer {
  constructor(
    private readonly inner: Optimizer,
    private readonly format: ActivationFormat,
  ) {
    super();
  }

  override computeGradients(f: () => Scalar, varList?: Variable[]): {value: Scalar; grads: NamedTensorMap} {
    return this.inner.computeGradients(() => withPacking(packingOf(this.format), f), varList);
  }

  override applyGradients(gradients: NamedTensorMap | NamedTensor[]): void {
    this.inner.applyGradients(gradients);
  }

  override get iterations(): number {
    return this.inner.iterations;
  }

  override getClassName(): string {
    return this.inner.getClassName();
  }

  override getConfig(): ReturnType<Optimizer['getConfig']> {
    return this.inner.getConfig();
  }

  override saveIterations(): Promise<NamedTensor> {
    return this.inner.saveIterations();
  }

  override getWeights(): Promise<NamedTensor[]> {
    return this.inner.getWeights();
  }

  override setWeights(weights: NamedTensor[]): Promise<void> {
    return this.inner.setWeights(weights);
  }

  override dispose(): void {
    this.inner.dispose();
  }
}

/**
 * The optimizer for trainings of TensorFlow.js's own that keeps activations in `format`, as `--activations` does:
 * `model.compile({optimizer: keepingActivations(tf.train.adam(3e-3), 'float16')})`, then `model.fit`. In every other way, also
 * where a model is saved with it, it is the one given, whose rate can be changed meanwhile.
 *
 * What operators of this package keep is packed, what tf's own keep is not. Losses are the same to the bit; gradients are those
 * of inputs rounded to `format`. Errors: ArgumentError for no optimizer and no format.
 */
export function keepingActivations(optimizer: Optimizer, format: ActivationFormat): Optimizer {
  if (!(optimizer instanceof Optimizer))
    refuse('keepingActivations', 'optimizer', 'an optimizer, such as tf.train.adam(3e-3)', optimizer);
  return new PackedOptimizer(
    optimizer,
    checkOneOf('keepingActivations', 'format', format, activationFormats),
  );
}
