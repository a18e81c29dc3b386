// What training needs of a model; LanguageModel has it.

import type {Variable} from '@tensorflow/tfjs-core';
import type {ScorableModel} from '../eval/scorable.js';
import type {Parameter} from '../models/index.js';

export type {Parameter};

/** What training needs of a model; `LanguageModel` and `AutoEncoder` have it. */
export interface TrainableModel extends ScorableModel {
  parameters(): readonly Parameter[];
  /** Number of token ids V. */
  readonly vocabSize: number;
  /** The weights of which `logits` makes them. */
  headWeights(): readonly Variable[];
  /** Whether it multiplies in float16, so that its loss has to be scaled. Default false. */
  readonly usesFloat16?: boolean;
}
