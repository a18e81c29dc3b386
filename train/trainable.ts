// What training needs of a model; LanguageModel has it.

import type {ScorableModel} from '../eval/scorable.js';
import type {Parameter} from '../models/index.js';

export type {Parameter};

export interface TrainableModel extends ScorableModel {
  parameters(): readonly Parameter[];
}
