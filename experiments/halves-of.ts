// A checkpoint becomes a model for inference whose matrices are halves.

import type {HalfDType} from '../formats/weight-dtype.js';
import type {ModelConfig} from '../models/config.js';
import type {SequenceModel} from '../models/create.js';
import {blankModel} from '../models/half-model.js';
import {heldWeights} from '../models/held-weights.js';
import type {ArraySource} from '../train/snapshot.js';

/** A model whose matrices are halves, weight by weight. Errors: ModelFormatError for numbers beyond the range of the format. */
export async function halvesOf(
  config: ModelConfig,
  weights: readonly ArraySource[],
  dtype: HalfDType,
): Promise<SequenceModel> {
  const made = blankModel(config, dtype);
  try {
    const sources = new Map(weights.map(source => [source.name, source]));
    for (const weight of heldWeights(made.model)) {
      const source = sources.get(weight.name);
      if (source === undefined) throw new Error(`the checkpoint has no ${weight.name}`);
      weight.take(await source.read());
    }
    return made;
  } catch (error) {
    made.model.dispose();
    throw error;
  }
}
