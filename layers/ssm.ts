// The SSM of a mixer, of either kind: weights, state and the memory itself by the settings.

import type {Tensor3D} from '@tensorflow/tfjs-core';
import type {FadingRun, FadingState} from './fading-memory.js';
import {FadingMemory, fadingSizes, fadingStateShapes, fadingWeights} from './fading-memory.js';
import {Mamba2Memory, mamba2Sizes, mamba2StateShapes, mamba2Weights} from './mamba2-memory.js';
import type {MixerSettings} from './mixer-schema.js';
import type {StateShapes} from './state.js';
import type {LayerWeights, WeightSpec} from './weights.js';

/** A memory that fades, of either kind. */
export interface Ssm {
  /** Fading tokens y [B, L, D] for inputs h [B, L, D], and the memory after them. */
  run(h: Tensor3D, past?: FadingState): FadingRun;
}

/** Every weight of a mixer's SSM on inputs of width D, in order. Errors: SettingError for settings that do not fit D. */
export function ssmWeights(settings: MixerSettings, width: number): WeightSpec[] {
  return settings.ssmKind === 'mamba'
    ? fadingWeights(fadingSizes(settings, width), settings.seed)
    : mamba2Weights(mamba2Sizes(settings, width), settings.seed);
}

/** Shapes of one sequence's memory. */
export function ssmStateShapes(settings: MixerSettings, width: number): StateShapes<FadingState> {
  return settings.ssmKind === 'mamba'
    ? fadingStateShapes(fadingSizes(settings, width))
    : mamba2StateShapes(mamba2Sizes(settings, width));
}

/** `weights` are the built weights of `ssmWeights`. */
export function ssmOf(settings: MixerSettings, width: number, weights: LayerWeights): Ssm {
  return settings.ssmKind === 'mamba'
    ? new FadingMemory(fadingSizes(settings, width), weights)
    : new Mamba2Memory(mamba2Sizes(settings, width), weights);
}
