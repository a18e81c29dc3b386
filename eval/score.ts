// Logits of the scored positions of a batch, for training and evaluation alike.

import type {Rank, Tensor2D} from '@tensorflow/tfjs-core';
import {reshape, tensor2d} from '@tensorflow/tfjs-core';
import {embeddingLookup} from '../custom-ops/index.js';
import type {Batch} from '../data/batch.js';
import type {ScorableModel} from './scorable.js';

/** Logits [R, V] of the R scored rows: the output head runs on these alone, not on all B x L positions. */
export function scoredLogits(model: ScorableModel, batch: Batch): Tensor2D {
  const hidden = model.hidden(tensor2d(batch.tokens, [batch.size, batch.length], 'int32'));
  const rows = reshape<Rank.R2>(hidden, [batch.size * batch.length, hidden.shape[2]]);
  const picked = embeddingLookup(rows, tensor2d(batch.rows, [1, batch.rows.length], 'int32'));
  return model.logits(reshape<Rank.R2>(picked, [batch.rows.length, hidden.shape[2]]));
}
