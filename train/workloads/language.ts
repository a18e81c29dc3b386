// Language modelling: windows of text, alone or as consecutive segments with the model's memory carried over
// (truncated backpropagation through time: gradients end at a segment's border).

import type {Tensor1D, Tensor2D} from '@tensorflow/tfjs-core';
import {reshape} from '@tensorflow/tfjs-core';
import type {HostInput} from '../../custom-ops/index.js';
import type {TokenSource} from '../../data/token-source.js';
import type {WindowBatch} from '../../data/windows.js';
import {readWindows, WindowIndex} from '../../data/windows.js';
import type {TrainingCall} from '../../layers/index.js';
import type {LanguageModel, ModelState} from '../../models/language-model.js';
import type {TrainSettings} from '../settings.js';
import type {Part, PartResult, Workload} from '../workload.js';
import {dropoutSeed} from '../workload.js';

export interface LanguageWorkloadOptions {
  /** Tokens L of one update. */
  readonly context: number;
  /** Consecutive updates on one stretch of text, S; 1: every update starts anew. */
  readonly segments: number;
  /** Let windows cross documents' borders. */
  readonly crossBorders: boolean;
}

/**
 * Update u of S segments trains on segment u mod S of the windows that its round u / S drew, windows of S x L tokens.
 * Every window is a function of (seed, number of the window).
 */
export function languageWorkload(
  source: TokenSource,
  {context, segments, crossBorders}: LanguageWorkloadOptions,
): Workload<LanguageModel> {
  const windows = new WindowIndex(source, context * segments, {crossBorders});
  const segmentOf = ({batch}: TrainSettings, cursor: number): number => (cursor / batch) % segments;
  return {
    length: context,
    parts: (settings, cursor) => {
      const {batch, accumulate, seed} = settings;
      const segment = segmentOf(settings, cursor);
      const first = Math.floor(cursor / batch / segments) * batch;
      const starts = Array.from(
        {length: batch},
        (_, row) => windows.randomStart(seed, first + row) + segment * context,
      );
      const size = batch / accumulate;
      return Array.from({length: accumulate}, (_, part) => {
        const own = starts.slice(part * size, (part + 1) * size);
        const masks = dropoutSeed(seed, cursor + part * size);
        return windowPart(readWindows(source, own, context), masks, segment + 1 < segments);
      });
    },
    carries: segments > 1,
    continues: (settings, cursor) => segmentOf(settings, cursor) !== 0,
  };
}

function windowPart(drawn: WindowBatch, masks: HostInput, goesOn: boolean): Part<LanguageModel> {
  return {
    labels: drawn.labels,
    inputs: [{values: drawn.tokens, shape: [drawn.size, drawn.length]}, masks],
    forward: (model, [tokens, seed], past) =>
      forward(model, tokens as Tensor2D, {dropoutSeed: seed as Tensor1D}, past, goesOn),
  };
}

function forward(
  model: LanguageModel,
  ids: Tensor2D,
  training: TrainingCall,
  past: ModelState | undefined,
  goesOn: boolean,
): PartResult {
  const [size, length] = ids.shape;
  const rows = [size * length, model.config.dModel] as [number, number];
  if (past === undefined && !goesOn)
    return {logits: model.logits(reshape(model.hidden(ids, training), rows))};
  const {hidden, state} = model.advance(ids, past ?? model.initialState(size), training);
  return {logits: model.logits(reshape(hidden, rows)), ...(goesOn ? {memory: state} : {})};
}
