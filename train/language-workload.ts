// Language modelling: windows of text, alone or as consecutive segments with the model's memory carried over
// (truncated backpropagation through time: gradients end at a segment's border).

import type {Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {reshape} from '@tensorflow/tfjs-core';
import type {HostInput} from '../custom-ops/index.js';
import type {TokenSource} from '../data/token-source.js';
import type {WindowBatch} from '../data/windows.js';
import {readWindows, WindowIndex} from '../data/windows.js';
import type {LanguageModel} from '../models/language-model.js';
import type {TrainSettings} from './settings.js';
import type {MicroBatch, Workload} from './workload.js';
import {dropoutSeed, MOST_KINDS} from './workload.js';

/** Options of {@link languageWorkload}, all of which must be given. */
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
    microBatches: (settings, cursor, model) => {
      const {batch, accumulate, seed} = settings;
      const segment = segmentOf(settings, cursor);
      const first = Math.floor(cursor / batch / segments) * batch;
      const starts = Array.from(
        {length: batch},
        (_, row) => windows.randomStart(seed, first + row) + segment * context,
      );
      const size = batch / accumulate;
      return Array.from({length: accumulate}, (_, index) => {
        const own = starts.slice(index * size, (index + 1) * size);
        const masks = dropoutSeed(seed, cursor + index * size);
        const drawn = readWindows(source, own, context);
        return segments === 1 ? windowBatch(drawn, masks) : segmentBatch(drawn, masks, segment, model);
      });
    },
    // The first segment, and later ones by where in a chunk they begin and how much room storage has before and behind them.
    kinds: Math.min(MOST_KINDS, segments),
    carries: segments > 1,
    continues: (settings, cursor) => segmentOf(settings, cursor) !== 0,
  };
}

/** A window on its own. */
function windowBatch(drawn: WindowBatch, masks: HostInput): MicroBatch<LanguageModel> {
  return {
    labels: drawn.labels,
    inputs: [{values: drawn.tokens, shape: [drawn.size, drawn.length]}, masks],
    forward: (model, [tokens, seed]) => {
      const hidden = model.hidden(tokens as Tensor2D, {dropoutSeed: seed as Tensor1D});
      return {rows: allRows(hidden)};
    },
  };
}

/** Segment number `segment` of longer windows. */
function segmentBatch(
  drawn: WindowBatch,
  masks: HostInput,
  segment: number,
  model: LanguageModel,
): MicroBatch<LanguageModel> {
  const {size, length} = drawn;
  const position = segment * length;
  return {
    segment: {
      kind: model.stepKind(position, length),
      before: model.stateShapes(position),
      after: model.stateShapes(position + length),
    },
    labels: drawn.labels,
    inputs: [{values: drawn.tokens, shape: [size, length]}, masks, ...model.hostInputs(position, length)],
    forward: (own, [tokens, seed, ...host], past = own.initialState(size)) => {
      const context = own.contextOf(host, {dropoutSeed: seed as Tensor1D});
      const {hidden, state} = own.advance(tokens as Tensor2D, past, context);
      return {rows: allRows(hidden), memory: state};
    },
  };
}

function allRows(hidden: Tensor3D): Tensor2D {
  const [size, length, width] = hidden.shape;
  return reshape(hidden, [size * length, width]);
}
