// tf's own compile and fit for a language model, with what tf's defaults get wrong set right or refused.

import type {Tensor} from '@tensorflow/tfjs-core';
import {cast, reshape, tidy} from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import {refuse} from '../custom-ops/check.js';
import {ArgumentError} from '../custom-ops/index.js';
import {sparseCrossEntropyFromLogits, tokenAccuracy} from '../layers/index.js';

/** What {@link LanguageModel.compile} takes: as tf's, but that the loss may be left out. */
export interface CompileOptions {
  /** An optimizer of tf, or the name of one. */
  readonly optimizer: tfl.ModelCompileArgs['optimizer'];
  /** Default: the mean cross-entropy in nats, of logits or of probabilities, as the head gives them. */
  readonly loss?: tfl.ModelCompileArgs['loss'];
  /** Default: the share of tokens that are predicted right. */
  readonly metrics?: tfl.ModelCompileArgs['metrics'];
}

/** What a model is fitted to. */
interface FitData {
  /** [B, L]. */
  readonly tokens: Tensor;
  /** [B, L] or [B, L, 1]. */
  readonly labels: Tensor;
  readonly vocabSize: number;
  /** Whether the model's head gives probabilities instead of logits. */
  readonly isProbability: boolean;
}

/** `isProbability`: as in {@link FitData}. Errors: ArgumentError. */
export function compileModel(model: tfl.LayersModel, options: CompileOptions, isProbability: boolean): void {
  if (options?.optimizer === undefined)
    refuse(
      'LanguageModel.compile',
      'optimizer',
      "an optimizer, such as 'adam' or tf.train.adam(3e-3)",
      undefined,
    );
  const [loss, accuracy] = isProbability
    ? ['sparseCategoricalCrossentropy', 'accuracy']
    : [sparseCrossEntropyFromLogits, tokenAccuracy];
  // Metrics of tf would be measured on what our loss takes.
  const metrics = options.metrics ?? (options.loss === undefined ? [accuracy] : undefined);
  model.compile({optimizer: options.optimizer, loss: options.loss ?? loss, metrics});
}

/** Errors: ArgumentError for a number that is no id, which tf's losses and some backends take for none. */
async function checkIds(
  name: string,
  given: Tensor,
  isId: (value: number) => boolean,
  expected: string,
): Promise<void> {
  const bad = (await given.data()).findIndex(value => !isId(value));
  if (bad >= 0) refuse('LanguageModel.fit', name, expected, (await given.data())[bad]);
}

/** Tokens [B, L] in, labels [B, L] or [B, L, 1] out, ids in [0, V). Errors: ArgumentError. */
export async function fitModel(
  model: tfl.LayersModel,
  {tokens, labels, vocabSize, isProbability}: FitData,
  args: tfl.ModelFitArgs,
): Promise<tfl.History> {
  if (model.optimizer === undefined)
    throw new ArgumentError(
      'LanguageModel.fit',
      'the model',
      'compiled before: call compile',
      'one that is not',
    );
  if (tokens?.rank !== 2) refuse('LanguageModel.fit', 'tokens', 'ids [B, L]', tokens?.shape);
  const [batch, length] = tokens.shape;
  const isLabels = labels?.size === tokens.size && labels.shape[0] === batch && labels.shape[1] === length;
  if (!isLabels)
    refuse('LanguageModel.fit', 'labels', `[${batch}, ${length}] or [${batch}, ${length}, 1]`, labels?.shape);
  const isId = (value: number): boolean => Number.isInteger(value) && value >= 0 && value < vocabSize;
  const ids = `ids in [0, ${vocabSize})`;
  await checkIds('tokens', tokens, isId, ids);
  if (isProbability) await checkIds('labels', labels, isId, ids);
  else await checkIds('labels', labels, value => value === -100 || isId(value), `${ids}, or -100 for none`);
  // tf's loss of probabilities rounds its labels, which it does to floats alone.
  const wanted = tidy(() => cast(reshape(labels, [batch, length, 1]), 'float32'));
  try {
    return await model.fit(tokens, wanted, args);
  } finally {
    wanted.dispose();
  }
}
