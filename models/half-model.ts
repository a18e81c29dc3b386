// Models whose matrices lie in memory as halves, for inference alone.

import type * as tfl from '@tensorflow/tfjs-layers';
import type {HalfDType, WeightDType} from '../formats/weight-dtype.js';
import {withoutInitialValues} from '../layers/initializers.js';
import {withWeightStorage} from '../layers/weight-storage.js';
import type {PartialModelConfig} from './config.js';
import type {SequenceModel} from './create.js';
import {createSequenceModel} from './create.js';
import {refuseHalves} from './held-weights.js';

/** A model whose weights are yet to be given, its matrices in a format. Errors: SettingError. */
export function blankModel(config: PartialModelConfig, weights: WeightDType): SequenceModel {
  const made = withoutInitialValues(() => withWeightStorage(weights, () => createSequenceModel(config)));
  if (weights !== 'float32') forInference(made.model, weights);
  return made;
}

/** A model with the weights with which it would begin a training, its matrices in a format of halves. Errors: SettingError. */
export function drawnModel(config: PartialModelConfig, weights: HalfDType): SequenceModel {
  const made = withWeightStorage(weights, () => createSequenceModel(config));
  forInference(made.model, weights);
  return made;
}

/** tf's own `save` would write words, which no reader knows. */
function forInference(model: tfl.LayersModel, weights: WeightDType): void {
  model.save = async () => refuseHalves('the model', weights);
}
