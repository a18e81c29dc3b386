// Logits of the scored positions of a batch, for training and evaluation alike, whole or in pieces.

import type {Rank, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {argMax, gatherND, logSumExp, reshape, sub, tensor2d, tidy} from '@tensorflow/tfjs-core';
import {embeddingLookup} from '../custom-ops/index.js';
import type {Batch} from '../data/batch.js';
import {disposeModelState} from '../models/index.js';
import {nextTurn} from '../models/turn.js';
import type {ScorableModel, Scored, StreamableModel} from './scorable.js';
import {isSelfScoring, isStreamable} from './scorable.js';

/** Rows [1, R] of hidden states [B, L, D], by row number in [0, B L), as [R, D]: the output head runs on these alone. */
export function pickedRows(hidden: Tensor3D, rows: Tensor2D): Tensor2D {
  const [batch, length, width] = hidden.shape;
  const matrix = reshape<Rank.R2>(hidden, [batch * length, width]);
  return reshape<Rank.R2>(embeddingLookup(matrix, rows), [rows.shape[1], width]);
}

/** Row numbers as `pickedRows` takes them, [1, R]. */
function rowTensor(rows: Int32Array): Tensor2D {
  return tensor2d(rows, [1, rows.length], 'int32');
}

/** The longest sequence that is computed in one piece; longer ones go through the model's memory. */
export const PIECE = 512;

/** Answers of a model at the scored rows of a batch; memory does not grow with the length, for models whose state does not. */
export async function scoreBatch(model: ScorableModel, batch: Batch): Promise<Scored> {
  if (isSelfScoring(model)) return model.scoreBatch(batch);
  if (batch.length > PIECE && isStreamable(model)) return scoreInPieces(model, batch);
  const {tokens, size, length, rows, labels} = batch;
  return answers(
    () => model.logits(pickedRows(model.hidden(tensor2d(tokens, [size, length], 'int32')), rowTensor(rows))),
    labels,
  );
}

async function answers(compute: () => Tensor2D, labels: Int32Array): Promise<Scored> {
  const [predicted, losses] = tidy(() => {
    const logits = compute();
    const pairs = Int32Array.from({length: 2 * labels.length}, (_, i) =>
      i % 2 === 0 ? i / 2 : labels[i >> 1],
    );
    const places = tensor2d(pairs, [labels.length, 2], 'int32');
    return [argMax(logits, 1), sub(logSumExp(logits, 1), gatherND(logits, places))];
  });
  const scored = {
    predicted: Int32Array.from(await predicted.data()),
    losses: Float32Array.from(await losses.data()),
  };
  predicted.dispose();
  losses.dispose();
  return scored;
}

/** Answers at rows of hidden states [B, L, D], by row number in [0, B L). */
export function rowAnswers(
  model: ScorableModel,
  hidden: Tensor3D,
  rows: Int32Array,
  labels: Int32Array,
): Promise<Scored> {
  return answers(() => model.logits(pickedRows(hidden, rowTensor(rows))), labels);
}

async function scoreInPieces(model: StreamableModel, batch: Batch): Promise<Scored> {
  const {size, length, tokens, rows, labels} = batch;
  const predicted = new Int32Array(rows.length);
  const losses = new Float32Array(rows.length);
  let state = model.initialState(size);
  try {
    for (let start = 0; start < length; start += PIECE) {
      const piece = Math.min(PIECE, length - start);
      const ids = Int32Array.from(
        {length: size * piece},
        (_, i) => tokens[Math.floor(i / piece) * length + start + (i % piece)],
      );
      const input = tensor2d(ids, [size, piece], 'int32');
      const {hidden, state: next} = model.advance(input, state);
      input.dispose();
      disposeModelState(state);
      state = next;
      const inside = [...rows.keys()].filter(i => {
        const position = rows[i] % length;
        return position >= start && position < start + piece;
      });
      if (inside.length > 0) {
        const own = Int32Array.from(
          inside,
          i => Math.floor(rows[i] / length) * piece + (rows[i] % length) - start,
        );
        const wanted = Int32Array.from(inside, i => labels[i]);
        const scored = await rowAnswers(model, hidden, own, wanted);
        for (const [j, i] of inside.entries()) {
          predicted[i] = scored.predicted[j];
          losses[i] = scored.losses[j];
        }
      }
      hidden.dispose();
      await nextTurn();
    }
  } finally {
    disposeModelState(state);
  }
  return {predicted, losses};
}
