// The sizes at which language models are set side by side, and the settings that all of their trainings share.

import type {ModelConfig} from '../../models/config.js';
import type {ModelSize} from '../../models/sizes.js';
import {modelOfSize} from '../../models/sizes.js';
import type {Contestant} from './contestants.js';
import {contestants} from './contestants.js';
import type {GridPoint} from './grid.js';

/** Parameters without the embedding, by Mamba's depth at that width; the two largest have the paper's widths. */
export const languageSizes = {
  '4m': {dModel: 192, heads: 3, window: 64, eideticSlots: 64, mambaLayers: 16},
  '16m': {dModel: 384, heads: 6, window: 128, eideticSlots: 128, mambaLayers: 17},
  '40m': {dModel: 512, heads: 8, window: 256, eideticSlots: 128, mambaLayers: 24},
  '130m': {dModel: 768, heads: 12, window: 512, eideticSlots: 256, mambaLayers: 24},
  '370m': {dModel: 1024, heads: 16, window: 512, eideticSlots: 256, mambaLayers: 48},
  '790m': {dModel: 1536, heads: 24, window: 512, eideticSlots: 256, mambaLayers: 48},
  '1.4b': {dModel: 2048, heads: 32, window: 512, eideticSlots: 256, mambaLayers: 48},
} as const satisfies Record<string, ModelSize>;

export type LanguageSize = keyof typeof languageSizes;

/** So small that a training takes seconds. */
export const quickSize: ModelSize = {dModel: 32, heads: 2, window: 16, eideticSlots: 8, mambaLayers: 4};

/** The kinds that are set side by side on text. */
export const languageContestants: readonly Contestant[] = [
  'transformer',
  'mamba',
  'hybrid',
  'bmojo-f',
  'bmojo',
  'bmojo-projected',
];

/**
 * A kind of model at a size. Attention to all of the past has the rotary base that Transformers usually have, since waves of a
 * base of 100 repeat within a sample; memories of bounded reach have the one that holds beyond it.
 */
export function languageModel(size: ModelSize, name: Contestant): Partial<ModelConfig> {
  const {preset, ...more} = contestants[name];
  return modelOfSize(size, preset, {...more, rotaryBase: name === 'transformer' ? 10_000 : 100});
}

/** Beside the rate: as in the paper the SSM's parameters learn five times as fast as attention's. */
export const languageTraining = {ssmRateFactor: 5, beta2: 0.95, finalRate: 0.1} as const;

/**
 * Where the held-out loss counts: some novels are read several times, and without these Mamba of 18 million parameters knew
 * them by heart after the third (held-out loss 4.27 after 1,000 updates of 16,384 tokens, 4.57 after 2,000).
 */
export const regularised = {model: {dropout: 0.1}, train: {weightDecay: 1}} as const;

/** Models of several sizes, all trained the same way. */
export interface LanguageScale {
  readonly sizes: Readonly<Record<string, ModelSize>>;
  /** Tokens of a sample. */
  readonly context: number;
  /** Settings that all models share. */
  readonly model?: Partial<ModelConfig>;
  readonly train: object;
  readonly rates: readonly number[];
  readonly seeds: readonly number[];
}

/** Every model at every size, on the tokens of a prepared folder. */
export function languagePoints(
  panel: string,
  models: readonly Contestant[],
  {sizes, context, model: shared = {}, train}: LanguageScale,
  data: string,
): GridPoint[] {
  return Object.entries(sizes).flatMap(([size, shape]) =>
    models.map(model => ({
      panel,
      model,
      size,
      task: 'lm',
      data: {data, context, crossBorders: true},
      settings: {...languageModel(shape, model), ...shared},
      train,
    })),
  );
}
