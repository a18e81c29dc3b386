// What evaluation needs of a model; LanguageModel has all of it.

import type {Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import type {Batch} from '../data/batch.js';
import type {TrainingCall} from '../layers/index.js';
import type {ModelShapes, ModelState} from '../models/index.js';

/** What evaluation needs of a model; `LanguageModel` and `AutoEncoder` have it. */
export interface ScorableModel {
  /** Tokens [B, L] int32 -> hidden states after the final norm [B, L, D]; nothing is dropped unless `training` is given. */
  hidden(tokens: Tensor2D, training?: TrainingCall): Tensor3D;
  /** Hidden states of some rows [R, D] -> logits [R, V]. */
  logits(hidden: Tensor2D): Tensor2D;
}

/** A model that can also read a sequence in chunks, with memory between them. */
export interface StreamableModel extends ScorableModel {
  initialState(batch: number): ModelState;
  /** Shapes of one sequence's memory after `position` tokens. */
  stateShapes(position: number): ModelShapes;
  /** Hidden states of the next tokens [B, L], and the memory after them; the old memory stays valid. */
  advance(tokens: Tensor2D, state: ModelState): {hidden: Tensor3D; state: ModelState};
}

export function isStreamable(model: ScorableModel): model is StreamableModel {
  return 'advance' in model && 'initialState' in model && 'stateShapes' in model;
}

/** Answers of a model at the scored rows of a batch. */
export interface Scored {
  /** Token with the largest logit at each scored row of the batch [R]. */
  readonly predicted: Int32Array;
  /** Cross-entropy of the wanted token at each scored row [R], in nats. */
  readonly losses: Float32Array;
}

/** A model that answers a whole batch in its own way. */
export interface SelfScoring {
  scoreBatch(batch: Batch): Promise<Scored>;
}

export function isSelfScoring(model: object): model is SelfScoring {
  return 'scoreBatch' in model;
}
