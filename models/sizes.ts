// Named sizes: widths of the B'MOJO, GPT-3 and Mamba papers; every kind of model gets the depth at which it has as many
// parameters as Mamba of that size.

import {choice} from '../config/schema.js';
import type {ModelConfig, PresetName} from './config.js';
import {parseModelConfig, presets} from './config.js';
import {parameterCount} from './parameters.js';

/** Width and attention of a size; the depth follows from the kind of model. */
export interface ModelSize {
  readonly dModel: number;
  readonly heads: number;
  readonly window: number;
  readonly eideticSlots: number;
  /** Layers of Mamba without MLPs, whose parameters every kind of model gets. */
  readonly mambaLayers: number;
}

interface Size extends ModelSize {
  /** Peak learning rate of attention's parameters (Brown et al. 2020, arXiv 2005.14165, table 2.1). */
  readonly rate: number;
}

/** Sizes of arXiv 2407.06324 (window 512), widths and Mamba's depths of arXiv 2312.00752, heads of 64 channels. */
const sizes = {
  tiny: {dModel: 128, heads: 4, window: 32, eideticSlots: 32, mambaLayers: 8, rate: 1e-3},
  '130m': {dModel: 768, heads: 12, window: 512, eideticSlots: 256, mambaLayers: 24, rate: 6e-4},
  '370m': {dModel: 1024, heads: 16, window: 512, eideticSlots: 256, mambaLayers: 48, rate: 3e-4},
  '790m': {dModel: 1536, heads: 24, window: 512, eideticSlots: 256, mambaLayers: 48, rate: 2.5e-4},
  '1.4b': {dModel: 2048, heads: 32, window: 512, eideticSlots: 256, mambaLayers: 48, rate: 2e-4},
} as const satisfies Record<string, Size>;

/** One of {@link sizeNames}: `tiny`, `130m`, `370m`, `790m` or `1.4b`. */
export type SizeName = keyof typeof sizes;

/** Names of the sizes that {@link sizeModel} knows, from the smallest to the largest. */
export const sizeNames = Object.keys(sizes) as SizeName[];

export const sizeField = choice(
  sizeNames,
  'tiny',
  'width, depth, heads, window and slots of a named size; other options win over it',
);

/** The SSM's parameters learn five times as fast as attention's (arXiv 2407.06324). */
export function sizeTraining(name: SizeName): {rate: number; ssmRateFactor: number; beta2: number} {
  return {rate: sizes[name].rate, ssmRateFactor: name === 'tiny' ? 1 : 5, beta2: 0.95};
}

/**
 * Settings of a model of a size, but for its vocabulary. Blocks have MLPs, except for Mamba and Mamba-2, which have none; the
 * depth is the one at which it has as many parameters as Mamba of that size.
 */
export function sizeModel(name: SizeName, preset: PresetName): Partial<ModelConfig> {
  return modelOfSize(sizes[name], preset);
}

/** As {@link sizeModel}, of a size that has no name, with settings of its own over the preset's. */
export function modelOfSize(
  {dModel, heads, window, eideticSlots, mambaLayers}: ModelSize,
  preset: PresetName,
  own: Partial<ModelConfig> = {},
): Partial<ModelConfig> {
  const isSsmAlone = preset === 'mamba' || preset === 'mamba2';
  const shared = {window, eideticSlots, ...presets[preset], ...own, preset, dModel, heads, mlp: !isSsmAlone};
  const count = (given: Partial<ModelConfig>): number =>
    parameterCount(parseModelConfig({...given, vocabSize: 2}));
  const target = count({preset: 'mamba', dModel, heads, layers: mambaLayers});
  const step = Math.max(1, presets[preset].pattern?.length ?? 1);
  const each = count({...shared, layers: 2 * step}) - count({...shared, layers: step});
  const layers = step * Math.max(1, Math.round(target / each));
  return {...shared, layers};
}
