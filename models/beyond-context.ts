// Whether a language model holds on text longer than it was trained on.

import type {ModelConfig} from './config.js';
import {layerPlan} from './layer-plan.js';

/** Rotary wavelengths up to that many times the trained length are met often enough in training. */
const WAVELENGTHS = 10;

/**
 * Why text longer than `trained` tokens will decay, and what helps; undefined where nothing speaks against it. Attention
 * beyond the window meets distances there that it never met in training.
 */
export function beyondContextWords(config: ModelConfig, trained: number): string | undefined {
  const plan = layerPlan(config);
  const reaching = plan.filter(
    ({mixer: {attention, window, eideticSlots}}) => attention && (window === 0 || eideticSlots > 0),
  );
  if (plan.some(({mixer: {storage, storagePositions}}) => storage > 0 && storagePositions === 'true'))
    return `beyond the ${trained} tokens of its training samples what is retrieved from storage stands at distances that it never saw, and recall decays; train with --storage-positions clamped`;
  if (reaching.length === 0) return undefined;
  if (reaching.some(({mixer}) => mixer.window === 0))
    return `beyond the ${trained} tokens of its training samples full attention meets distances that it never saw, and the text decays; a window and slots (--model bmojo) hold`;
  const large = reaching.find(
    ({mixer: {positions, rotaryBase}}) =>
      positions === 'rotary' && 2 * Math.PI * rotaryBase > WAVELENGTHS * trained,
  );
  return large === undefined
    ? undefined
    : `beyond the ${trained} tokens of its training samples the text decays at a rotary base of ${large.mixer.rotaryBase}; train with --rotary-base 100, or with more --segments`;
}
