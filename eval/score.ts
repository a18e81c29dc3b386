// Logits of the scored positions of a batch, for training and evaluation alike.

import type {Rank, Tensor2D} from '@tensorflow/tfjs-core';
import {reshape} from '@tensorflow/tfjs-core';
import {embeddingLookup} from '../custom-ops/index.js';
import type {ScorableModel} from './scorable.js';

/**
 * Logits [R, V] of the R scored rows of tokens [B, L]: the output head runs on these alone, not on all B x L positions.
 * `rows` [1, R] are row numbers of a [B*L, ...] matrix.
 */
export function scoredLogits(model: ScorableModel, tokens: Tensor2D, rows: Tensor2D): Tensor2D {
  const [batch, length] = tokens.shape;
  const hidden = model.hidden(tokens);
  const width = hidden.shape[2];
  const picked = embeddingLookup(reshape<Rank.R2>(hidden, [batch * length, width]), rows);
  return model.logits(reshape<Rank.R2>(picked, [rows.shape[1], width]));
}
