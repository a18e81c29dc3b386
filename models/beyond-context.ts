// Whether a language model holds on text longer than it was trained on.

import type {ModelConfig} from './config.js';
import {layerPlan} from './layer-plan.js';

/**
 * Rotary wavelengths up to that many times the trained length were seen to hold at 64 times that length (RESULTS.md,
 * `beyond-context`); of longer ones, those 1,000 times as long were seen to decay. What lies between was not measured.
 */
const WAVELENGTHS = 10;

/** The largest base, of two digits, whose wavelengths were seen to hold. */
function holdingBase(trained: number): number {
  const most = (WAVELENGTHS * trained) / (2 * Math.PI);
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(most)) - 1);
  return Math.max(1, Math.floor(most / unit) * unit);
}

/**
 * Why text longer than `trained` tokens may decay, and what helps; undefined where nothing speaks against it. Attention
 * beyond the window meets distances there that it never met in training.
 */
export function beyondContextWords(config: ModelConfig, trained: number): string | undefined {
  const reaching = layerPlan(config).filter(
    ({mixer: {attention, window, eideticSlots}}) => attention && (window === 0 || eideticSlots > 0),
  );
  if (reaching.length === 0) return undefined;
  if (reaching.some(({mixer}) => mixer.window === 0))
    return `beyond the ${trained} tokens of its training samples full attention meets distances that it never saw, and the text decays; a window and slots (--model bmojo) hold`;
  const large = reaching.find(
    ({mixer: {positions, rotaryBase}}) =>
      positions === 'rotary' && 2 * Math.PI * rotaryBase > WAVELENGTHS * trained,
  );
  if (large === undefined) return undefined;
  const {rotaryBase} = large.mixer;
  const times = Math.round((2 * Math.PI * rotaryBase) / trained);
  return (
    `beyond the ${trained} tokens of its training samples the text may decay: at a rotary base of ${rotaryBase} the longest wavelength ` +
    `is ${times} times as long, and only up to ${WAVELENGTHS} times are known to hold; train with --rotary-base ${holdingBase(trained)}, or with more --segments`
  );
}
