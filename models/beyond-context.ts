// Whether a language model holds on text longer than it was trained on.

import type {ModelConfig} from './config.js';
import {layerPlan} from './layer-plan.js';

/**
 * Longest rotary wavelength, as a multiple of the trained length, up to which the loss stayed where it was (trained with
 * `--segments`: RESULTS.md, `length`), and up to which it rose by hundredths of a nat for most seeds, by tenths at larger
 * rates (`beyond-context`, `examples`); beyond that it rose for most by more.
 */
const HELD = 0.1;
const ROSE_LESS = 10;

/** The largest base, of two digits, of which the loss rose no more than a little. */
function gentleBase(trained: number): number {
  const most = (ROSE_LESS * trained) / (2 * Math.PI);
  const unit = 10 ** Math.max(0, Math.floor(Math.log10(most)) - 1);
  return Math.max(1, Math.floor(most / unit) * unit);
}

/**
 * Why text longer than `trained` tokens may be predicted worse, and what helps; undefined where nothing speaks against it.
 * Attention beyond the window meets distances there that it never met in training.
 */
export function beyondContextWords(config: ModelConfig, trained: number): string | undefined {
  const plan = layerPlan(config);
  const reaching = plan.filter(
    ({mixer: {attention, window, eideticSlots}}) => attention && (window === 0 || eideticSlots > 0),
  );
  if (plan.some(({mixer: {storage, storagePositions}}) => storage > 0 && storagePositions === 'true'))
    return `beyond the ${trained} tokens of its training samples what is retrieved from storage stands at distances that it never saw, and recall decays; train with --storage-positions clamped`;
  if (reaching.length === 0) return undefined;
  const where = `beyond the ${trained} tokens of its training samples`;
  if (reaching.some(({mixer}) => mixer.window === 0))
    return `${where} full attention meets distances that it never saw, and the text decays; a window and slots (--model bmojo) hold`;
  const bases = reaching.flatMap(({mixer: {positions, rotaryBase}}) =>
    positions === 'rotary' ? [rotaryBase] : [],
  );
  const base = Math.max(0, ...bases);
  const times = (2 * Math.PI * base) / trained;
  if (times > ROSE_LESS)
    return `${where} the text decays at a rotary base of ${base} for most seeds: train with --rotary-base ${gentleBase(trained)}, or with more --segments`;
  return times > HELD
    ? `${where} the loss may rise, by hundredths or by tenths of a nat; more --segments in training, or a second one with --init-from, keep it`
    : undefined;
}
