// One declaration of a language model: its settings, and the presets that differ from each other only in them.

import {choice, flag, integer, number, parseSettings, SettingError, said, text} from '../config/schema.js';
import {shown} from '../errors/shown.js';
import {isRecord} from '../formats/json-text.js';
import {dropoutField, mixerSchema} from '../layers/mixer-schema.js';
import type {LayerSettings} from './layer-plan.js';
import {checkPattern, checkPlan, checkRetrieval, patternWords} from './layer-plan.js';
import type {ModelSettings, PartialModelSettings} from './settings.generated.js';

/** Names of the presets: `transformer`, `swa`, `mamba`, `mamba2`, `hybrid`, `bmojo-f`, `bmojo`, `bmojo-paper`. */
export const presetNames = [
  'transformer',
  'swa',
  'mamba',
  'mamba2',
  'hybrid',
  'bmojo-f',
  'bmojo',
  'bmojo-paper',
] as const;
/** One of {@link presetNames}: which memories a model's mixers have. */
export type PresetName = (typeof presetNames)[number];

/** Blocks of a model at most. */
export const MOST_LAYERS = 1024;

/**
 * Settings of a model with their defaults, bounds and reasons, those of its mixers ({@link mixerSchema})
 * among them.
 */
export const modelSchema = {
  preset: choice(
    presetNames,
    'bmojo',
    'which memories the mixers have; every other setting may still be changed',
  ),
  vocabSize: integer(256, 2, 2 ** 24, 'number of token ids V; 256 fits bytes'),
  dModel: integer(64, 1, 2 ** 16, 'model width D'),
  layers: integer(
    2,
    1,
    MOST_LAYERS,
    'blocks; two are the least that can bind a key to a value and then look it up',
  ),
  mlp: flag(
    false,
    'a SwiGLU block after every mixer; recall tasks of the literature have none, language wants it',
  ),
  mlpWidth: integer(0, 0, 2 ** 20, 'hidden width of the SwiGLU blocks; 0 means 8/3 of D'),
  mlpBias: flag(false, 'biases on the three maps of the SwiGLU blocks'),
  dropout: dropoutField,
  pattern: text(
    '',
    `memories of the layers, a letter for each, repeated over them, such as SSSA for a hybrid (Jamba, Samba): ${patternWords}`,
  ),
  normEpsilon: number(1e-5, 0, 1, 'added to the mean square in every RMSNorm'),
  backbone: choice(
    ['causal', 'autoencoder'],
    'causal',
    'a language model, or an encoder whose last vector a decoder turns back into the sequence',
  ),
  tieHead: flag(true, 'the output head shares the embedding table; otherwise it has weights of its own'),
  headBias: flag(true, 'an output head with weights of its own has a bias as well'),
  ...mixerSchema,
} as const;

/** What models take beside the settings of their schema. */
interface PlannedModel {
  /** What single layers have of their own, one entry a layer, beside what the other settings say of all of them. Default: nothing. */
  readonly plan?: readonly LayerSettings[];
}

/** Settings that no weight depends on: which memories a model has at hand. */
export const memorySchema = {
  window: modelSchema.window,
  eideticSlots: modelSchema.eideticSlots,
  storage: modelSchema.storage,
} as const;

/** Settings that an entry of a plan may have, beside those of its mixer. */
export const layerPlanSchema = {
  shortConv: flag(
    false,
    "a gated short convolution in the mixer's place, with its convWidth, convBias and projectionBias",
  ),
  mlp: modelSchema.mlp,
  mlpWidth: modelSchema.mlpWidth,
  mlpBias: modelSchema.mlpBias,
  dropout: modelSchema.dropout,
  normEpsilon: modelSchema.normEpsilon,
} as const;

/** All settings of a model, from {@link parseModelConfig}; defaults and bounds stand in {@link modelSchema}. */
export interface ModelConfig extends ModelSettings, PlannedModel {}

/** Settings of a model as they are given; those left out are as `preset` and {@link modelSchema} say. */
export interface PartialModelConfig extends PartialModelSettings, PlannedModel {}

const oneMemory = {fading: 'none', ssmOutput: 'none', eideticSlots: 0} as const;
const attentionOnly = {...oneMemory, ssm: false} as const;

/**
 * Settings that each preset changes in the defaults of {@link modelSchema}; see the table of special cases in
 * the README.
 */
export const presets: Readonly<Record<PresetName, Partial<ModelConfig>>> = {
  transformer: {...attentionOnly, window: 0},
  swa: attentionOnly,
  mamba: {...oneMemory, attention: false},
  mamba2: {...oneMemory, attention: false, ssmKind: 'mamba2', stateSize: 128},
  hybrid: {...oneMemory, pattern: 'SA'},
  'bmojo-f': {eideticSlots: 0},
  bmojo: {},
  'bmojo-paper': {fading: 'chunk', fadingTokens: 4, positions: 'none', eideticOverlap: true},
};

/** Settings that are present, as a plain object. */
function present(given: object) {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/** Settings as version 0.1.0 stored them: `alternate` was the pattern SA. Errors: SettingError where both are given. */
function withPattern({alternate, ...own}: Record<string, unknown>): Record<string, unknown> {
  if (alternate === undefined) return own;
  if (typeof alternate !== 'boolean' || own.pattern !== undefined)
    throw new SettingError(
      `model: alternate is the old name of pattern SA and must be true or false without a pattern beside it, got ${JSON.stringify(alternate)}`,
    );
  return {...own, pattern: alternate ? 'SA' : ''};
}

/** The entries of a plan; what is undefined in them is as the other settings say. Errors: SettingError. */
function checkedPlan(plan: unknown): readonly LayerSettings[] {
  if (!Array.isArray(plan) || plan.length === 0 || plan.some(own => !isRecord(own)))
    throw new SettingError(
      `model: plan must be a list of settings, one entry a layer, got ${JSON.stringify(plan)}`,
    );
  const entries = plan.map((given, index) => {
    const own = present(given);
    if (own.mixer === undefined) return own;
    if (!isRecord(own.mixer))
      throw new SettingError(
        `model: plan[${index}]: mixer must be an object of settings, got ${shown(own.mixer)}`,
      );
    return {...own, mixer: present(own.mixer)};
  });
  checkPlan(entries, layerPlanSchema);
  return entries;
}

/**
 * Completes settings: the schema's defaults, then the preset's, then those given; `plan` gives the number of layers, and so
 * may stand in its place.
 * Errors: SettingError for an unknown setting, a bad value, or one that contradicts the preset's memories.
 */
export function parseModelConfig(given: PartialModelConfig): ModelConfig {
  if (typeof given !== 'object' || given === null)
    throw new SettingError(
      `model: settings must be an object such as {preset, vocabSize}, got ${shown(given)}`,
    );
  const {plan: wanted, ...own} = withPattern(present(given));
  const {preset} = parseSettings(
    'model',
    {preset: modelSchema.preset},
    own.preset === undefined ? {} : {preset: own.preset},
  );
  const plan = wanted === undefined ? undefined : checkedPlan(wanted);
  const layers = plan === undefined ? {} : {layers: plan.length};
  const config = parseSettings('model', modelSchema, {...presets[preset], ...layers, ...own});
  if (plan !== undefined && plan.length !== config.layers)
    throw new SettingError(
      'model',
      said`{layers} must be ${plan.length}, as many as the plan has entries, got ${config.layers}`,
    );
  checkPattern(config);
  const planned = plan === undefined ? config : {...config, plan};
  checkRetrieval(planned);
  return planned;
}
