// One declaration of a language model: its settings, and the presets that differ from each other only in them.

import type {Settings} from '../config/schema.js';
import {choice, flag, integer, parseSettings, SettingError} from '../config/schema.js';
import {dropoutField, mixerSchema} from '../layers/mixer-schema.js';

export const presetNames = [
  'transformer',
  'swa',
  'mamba',
  'hybrid',
  'bmojo-f',
  'bmojo',
  'bmojo-paper',
] as const;
export type PresetName = (typeof presetNames)[number];

export const modelSchema = {
  preset: choice(
    presetNames,
    'bmojo',
    'which memories the mixers have; every other setting may still be changed',
  ),
  vocabSize: integer(256, 2, 2 ** 24, 'number of token ids V; 256 fits bytes'),
  dModel: integer(64, 1, 2 ** 16, 'model width D'),
  layers: integer(2, 1, 1024, 'blocks; two are the least that can bind a key to a value and then look it up'),
  mlp: flag(
    false,
    'a SwiGLU block after every mixer; recall tasks of the literature have none, language wants it',
  ),
  mlpWidth: integer(0, 0, 2 ** 20, 'hidden width of the SwiGLU blocks; 0 means 8/3 of D'),
  dropout: dropoutField,
  alternate: flag(
    false,
    'even layers keep only the SSM, odd layers only the window (hybrids such as Jamba and Samba)',
  ),
  backbone: choice(
    ['causal', 'autoencoder'],
    'causal',
    'a language model, or an encoder whose last vector a decoder turns back into the sequence',
  ),
  tieHead: flag(
    true,
    'the output head shares the embedding table; otherwise it has weights and a bias of its own',
  ),
  ...mixerSchema,
} as const;

export type ModelConfig = Settings<typeof modelSchema>;

const attentionOnly = {ssm: false, fading: 'none', eideticSlots: 0} as const;

/** What each preset sets; see the table of special cases in the README. */
export const presets: Readonly<Record<PresetName, Partial<ModelConfig>>> = {
  transformer: {...attentionOnly, window: 0},
  swa: attentionOnly,
  mamba: {attention: false, fading: 'none', eideticSlots: 0},
  hybrid: {alternate: true, fading: 'none', eideticSlots: 0},
  'bmojo-f': {eideticSlots: 0},
  bmojo: {},
  'bmojo-paper': {fading: 'chunk', fadingTokens: 4, positions: 'none', eideticOverlap: true},
};

/** Settings that are present, as a plain object. */
function present(given: object): Record<string, unknown> {
  return Object.fromEntries(Object.entries(given).filter(([, value]) => value !== undefined));
}

/**
 * Completes settings: the schema's defaults, then the preset's, then those given.
 * Errors: SettingError for an unknown setting, a bad value, or one that contradicts the preset's memories.
 */
export function parseModelConfig(given: Partial<ModelConfig>): ModelConfig {
  const own = present(given);
  const {preset} = parseSettings(
    'model',
    {preset: modelSchema.preset},
    own.preset === undefined ? {} : {preset: own.preset},
  );
  const config = parseSettings('model', modelSchema, {...presets[preset], ...own});
  if (config.alternate && config.layers % 2 !== 0) {
    throw new SettingError(`model: layers must be even when they alternate, got ${config.layers}`);
  }
  return config;
}
