// One update of every weight of a model, in place as training makes it.

import {dispose, onesLike} from '@tensorflow/tfjs-core';
import type {LanguageModel} from '../../models/index.js';
import {AdamWOptimizer, parseTrainSettings} from '../../train/index.js';

/** Moves every weight by about 0.1. */
export function stepInPlace(model: LanguageModel): void {
  const parameters = model.parameters();
  const optimizer = new AdamWOptimizer(parameters, parseTrainSettings({rate: 0.1, weightDecay: 0, clip: 0}));
  const gradients = Object.fromEntries(
    parameters.map(({variable}) => [variable.name, onesLike(variable)] as const),
  );
  optimizer.apply(gradients, 0.1, 1).dispose();
  dispose(gradients);
  optimizer.dispose();
}
