// What evaluation needs of a model; LanguageModel has it.

import type {Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';

export interface ScorableModel {
  /** Tokens [B, L] int32 -> hidden states after the final norm [B, L, D]. */
  hidden(tokens: Tensor2D): Tensor3D;
  /** Hidden states of some rows [R, D] -> logits [R, V]. */
  logits(hidden: Tensor2D): Tensor2D;
}
