// What each layer of a model is: a pattern of letters or a list of settings, completed from the model's own settings.

import type {Schema} from '../config/schema.js';
import {parseSettings, SettingError, said} from '../config/schema.js';
import {shown} from '../errors/shown.js';
import type {MixerSettings} from '../layers/mixer-schema.js';
import {mixerSchema} from '../layers/mixer-schema.js';
import type {ModelConfig} from './config.js';
import type {PartialLayerMixerSettings, PartialLayerPlanSettings} from './settings.generated.js';

const alone = {fading: 'none', ssmOutput: 'none', eideticSlots: 0, memoryGate: false} as const;
const ssmAlone = {...alone, attention: false, ssm: true} as const;
const attentionAlone = {...alone, attention: true, ssm: false} as const;

interface Letter {
  readonly means: string;
  readonly mixer: Partial<MixerSettings>;
  readonly shortConv?: boolean;
}

/** The letters of patterns: what each sets of a layer. */
export const patternLetters = {
  B: {means: 'all memories of the settings', mixer: {}},
  F: {means: 'no eidetic slots', mixer: {eideticSlots: 0}},
  S: {means: 'the SSM alone', mixer: ssmAlone},
  M: {means: 'the SSM alone, as Mamba-2', mixer: {...ssmAlone, ssmKind: 'mamba2'}},
  A: {means: 'the window alone', mixer: attentionAlone},
  T: {means: 'attention to all of the past', mixer: {...attentionAlone, window: 0}},
  P: {means: "as B, with the SSM's output added to the attention's", mixer: {ssmOutput: 'add'}},
  R: {means: 'as B, with memory in storage', mixer: {}},
  C: {means: 'a gated short convolution', mixer: {...alone, attention: false, ssm: false}, shortConv: true},
} as const satisfies Record<string, Letter>;

/** The letter of layers with memory in storage. */
const STORAGE = 'R';

type LetterName = keyof typeof patternLetters;

/** What a layer has of its own; everything else is as the model's settings say. */
export interface LayerSettings extends PartialLayerPlanSettings {
  /** Settings of the mixer. Default: the model's. */
  readonly mixer?: PartialLayerMixerSettings;
}

/** A layer's settings, all present, as {@link layerPlan} completes them; a short convolution has no memory of a mixer's. */
export interface PlannedLayer extends Required<LayerSettings> {
  readonly mixer: MixerSettings;
}

/** In words, for options and errors. */
export const patternWords = Object.entries(patternLetters)
  .map(([letter, {means}]) => `${letter} (${means})`)
  .join(', ');

function isLetter(letter: string): letter is LetterName {
  return Object.hasOwn(patternLetters, letter);
}

/** Errors: SettingError for an unknown letter, layers that are no multiple of the pattern's, or storage in no layer. */
export function checkPattern({pattern, layers, storage}: ModelConfig): void {
  const unknown = [...pattern].find(letter => !isLetter(letter));
  if (unknown !== undefined)
    throw new SettingError(
      'model',
      said`{pattern} must be made of the letters ${patternWords}, got '${unknown}' in ${shown(pattern)}`,
    );
  if (pattern !== '' && pattern.includes(STORAGE) !== storage > 0)
    throw new SettingError(
      'model',
      storage > 0
        ? said`{pattern} must have a letter ${STORAGE} where {storage} is above 0, for the layers that retrieve from it, got ${shown(pattern)}`
        : said`{storage} must be at least 1 for the letter ${STORAGE} in {pattern} ${pattern}, got ${storage}`,
    );
  if (pattern !== '' && layers % pattern.length !== 0)
    throw new SettingError(
      'model',
      said`{layers} must be ${pattern.length === 2 ? 'even' : `a multiple of ${pattern.length}`} for {pattern} ${pattern}, which is repeated over them, got ${layers}`,
    );
}

/** Errors: SettingError for storage in no layer: the last is a short convolution, and no letter says which. */
export function checkRetrieval(config: ModelConfig): void {
  const {storage} = config;
  if (storage > 0 && !mixersOf(config).some(mixer => mixer.storage > 0))
    throw new SettingError(
      'model',
      said`{storage} must be 0 where no layer retrieves: the last layer is a short convolution, and an entry of the plan or a letter ${STORAGE} of {pattern} must say which does, got ${storage}`,
    );
}

/** The same model with memory in storage in no layer that has none of its own. */
export function withoutStorage(config: ModelConfig): ModelConfig {
  return {...config, storage: 0, pattern: config.pattern.replaceAll(STORAGE, 'B')};
}

/** Settings of its mixer that an entry of a plan may have: a layer has its seed from the model. */
export const {seed: _, ...layerMixerSchema} = mixerSchema;

/** Errors: SettingError naming the layer and the setting; `schema` is that of a layer's settings beside its mixer's. */
export function checkPlan(plan: readonly LayerSettings[], schema: Schema): void {
  plan.forEach(({mixer = {}, ...own}, index) => {
    parseSettings(`model: plan[${index}]`, schema, own);
    parseSettings(`model: plan[${index}].mixer`, layerMixerSchema, mixer);
  });
}

/**
 * The settings of every layer of a model, in order: its own, else those of its letter in `pattern`, else the
 * model's. The last layer alone has memory in storage, unless the pattern says which.
 */
export function layerPlan(config: ModelConfig): PlannedLayer[] {
  const {layers, pattern, plan, mlp, mlpWidth, mlpBias, dropout, normEpsilon} = config;
  const keys = Object.keys(mixerSchema);
  const shared = Object.fromEntries(
    Object.entries(config).filter(([key]) => keys.includes(key)),
  ) as MixerSettings;
  return Array.from({length: layers}, (_layer, index) => {
    const letter = pattern[index % Math.max(1, pattern.length)] ?? 'B';
    const own = plan?.[index] ?? {};
    const {mixer: memories, shortConv = false}: Letter = own.shortConv
      ? patternLetters.C
      : patternLetters[isLetter(letter) ? letter : 'B'];
    const retrieves = !shortConv && (pattern === '' ? index === layers - 1 : letter === STORAGE);
    const storage = retrieves ? shared.storage : 0;
    const seed = (config.seed + 7919 * (index + 1)) % 2 ** 31;
    const mixer = {...shared, storage, ...memories, ...own.mixer, seed};
    return {shortConv, mlp, mlpWidth, mlpBias, dropout, normEpsilon, ...own, mixer};
  });
}

/** The settings of the mixers that have memories to look at, in order: those of short convolutions are left out. */
export function mixersOf(config: ModelConfig): MixerSettings[] {
  return layerPlan(config)
    .filter(({shortConv}) => !shortConv)
    .map(({mixer}) => mixer);
}
