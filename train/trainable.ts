// What training needs of a model; LanguageModel has it.

import type {Variable} from '@tensorflow/tfjs-core';
import type {ScorableModel} from '../eval/scorable.js';

export interface Parameter {
  /** Stable name such as `block_0/ssm.A_log`: the key in checkpoints, and what decides the parameter's group. */
  readonly name: string;
  readonly variable: Variable;
}

export interface TrainableModel extends ScorableModel {
  parameters(): readonly Parameter[];
}
