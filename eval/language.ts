// Loss of a language model on held-out text, as perplexity and as bits per byte.

import type {Rank, Scalar, Tensor1D} from '@tensorflow/tfjs-core';
import {addN, argMax, concat, reshape, slice, sum, tensor1d, tensor2d, tidy} from '@tensorflow/tfjs-core';
import {crossEntropy} from '../custom-ops/index.js';
import type {TokenSource} from '../data/token-source.js';
import type {WindowBatch} from '../data/windows.js';
import {readWindows} from '../data/windows.js';
import type {LanguageModel} from '../models/language-model.js';
import {rowBlocks} from '../models/row-blocks.js';
import type {ModelState} from '../models/state.js';
import {disposeModelState} from '../models/state.js';
import {nextTurn} from '../models/turn.js';

/** What {@link evaluateLanguage} measured over all tokens of its windows. */
export interface LanguageReport {
  readonly windows: number;
  readonly tokens: number;
  /** Mean cross-entropy of the next token, in nats. */
  readonly loss: number;
  /** exp(loss). */
  readonly perplexity: number;
  /** Bits of loss for each byte of UTF-8 that the scored tokens stand for: comparable between tokenizers. */
  readonly bitsPerByte: number;
  /** Share of tokens that the model finds most likely. */
  readonly accuracy: number;
}

/** Options of {@link evaluateLanguage}: all but `segments` must be given. */
export interface LanguageOptions {
  /** First tokens of the windows to score. */
  readonly starts: readonly number[];
  /** Tokens of a piece; the model's memory is carried over the pieces of a window. */
  readonly context: number;
  /** Pieces of a window. Default 1. */
  readonly segments?: number;
  /** Windows at the same time. */
  readonly batch: number;
}

/** Tokens `from` to `from + length - 1` of every window. */
function columns(batch: WindowBatch, from: number, length: number): WindowBatch {
  const cut = (all: Int32Array): Int32Array => {
    const some = new Int32Array(batch.size * length);
    for (let row = 0; row < batch.size; row++) {
      const begin = row * batch.length + from;
      some.set(all.subarray(begin, begin + length), row * length);
    }
    return some;
  };
  return {size: batch.size, length, tokens: cut(batch.tokens), labels: cut(batch.labels)};
}

/** Scores every token of windows of `context` x `segments` tokens, each with what lies before it in its window. */
export async function evaluateLanguage(
  model: LanguageModel,
  source: TokenSource,
  {starts, context, segments = 1, batch}: LanguageOptions,
): Promise<LanguageReport> {
  let loss = 0;
  let right = 0;
  let tokens = 0;
  let bytes = 0;
  for (let first = 0; first < starts.length; first += batch) {
    const windows = readWindows(source, starts.slice(first, first + batch), context * segments);
    let state: ModelState | undefined;
    for (let segment = 0; segment < segments; segment++) {
      const piece = segments === 1 ? windows : columns(windows, segment * context, context);
      const past = state;
      const scored = tidy(() => scorePiece(model, piece, past, segment + 1 < segments));
      if (past !== undefined) disposeModelState(past);
      state = scored.state;
      const ids = await scored.predicted.data();
      const rows = piece.labels.length;
      loss += (await scored.loss.data())[0];
      for (let i = 0; i < rows; i++) if (ids[i] === piece.labels[i]) right++;
      tokens += rows;
      for (const id of piece.labels) bytes += source.bytesOf(id);
      scored.predicted.dispose();
      scored.loss.dispose();
    }
    await nextTurn();
  }
  return languageReport({windows: starts.length, tokens, total: loss, right, bytes});
}

function scorePiece(model: LanguageModel, piece: WindowBatch, past: ModelState | undefined, goesOn: boolean) {
  const ids = tensor2d(piece.tokens, [piece.size, piece.length], 'int32');
  const next =
    past !== undefined || goesOn
      ? model.advance(ids, past ?? model.initialState(piece.size))
      : {hidden: model.hidden(ids)};
  const [size, length, width] = next.hidden.shape;
  const rows = reshape<Rank.R2>(next.hidden, [size * length, width]);
  const blocks = rowBlocks(size * length, model.vocabSize).map(({begin, size: count}) =>
    tidy(() => {
      const logits = model.logits(slice(rows, [begin, 0], [count, width]));
      const labels = tensor1d(piece.labels.subarray(begin, begin + count), 'int32');
      const losses = crossEntropy(logits, labels, {reduction: 'none'});
      return {predicted: argMax<Tensor1D>(logits, 1), loss: sum<Scalar>(losses)};
    }),
  );
  return {
    predicted: concat(blocks.map(({predicted}) => predicted)),
    loss: addN(blocks.map(({loss}) => loss)),
    state: goesOn && 'state' in next ? next.state : undefined,
  };
}

/** What was counted over all windows; `total` in nats. */
interface Counted {
  readonly windows: number;
  readonly tokens: number;
  readonly total: number;
  readonly right: number;
  readonly bytes: number;
}

function languageReport({windows, tokens, total, right, bytes}: Counted): LanguageReport {
  const loss = total / Math.max(1, tokens);
  return {
    windows,
    tokens,
    loss,
    perplexity: Math.exp(loss),
    bitsPerByte: total / Math.LN2 / bytes,
    accuracy: right / Math.max(1, tokens),
  };
}
