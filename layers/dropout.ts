// Dropout inside layers: active in training alone, with masks that follow from the training step's seed.

import type {Tensor3D} from '@tensorflow/tfjs-core';
import {dispose, tensor1d} from '@tensorflow/tfjs-core';
import {dropout} from '../custom-ops/index.js';
import {streamSeed} from './initializers.js';
import type {TrainingCall} from './step-context.js';

/** Arguments that reach `call`: tf's own flag in `model.fit`, or what `LanguageModel` passes on. */
export type CallArguments = Partial<TrainingCall> & {readonly training?: boolean};

/** Whether these are the arguments of a call in training. */
export function isTraining({training = false, dropoutSeed}: CallArguments): boolean {
  return training || dropoutSeed !== undefined;
}

/** Streams are passed to GPUs as float32. */
const STREAMS = 2 ** 24;

/**
 * One place of dropout. In a call with a `dropoutSeed` the mask is a function of that seed and of the layer's name; in
 * `model.fit`, which gives none, of the number of the layer's calls before; otherwise nothing is dropped.
 */
export class DropoutPlace {
  private calls = 0;

  constructor(
    private readonly rate: number,
    private readonly layerName: string,
  ) {}

  apply(x: Tensor3D, given: CallArguments): Tensor3D {
    if (this.rate === 0 || !isTraining(given)) return x;
    const {dropoutSeed} = given;
    const options = {rate: this.rate, stream: streamSeed(0, this.layerName) % STREAMS};
    if (dropoutSeed !== undefined) return dropout({x, seed: dropoutSeed}, options);
    const seed = tensor1d([0, this.calls++], 'int32');
    const y = dropout({x, seed}, options);
    dispose(seed);
    return y;
  }
}
