// Memories onto a trained model: layers that attend become B'MOJO layers, behind gates that start closed.

import {parseSettings, SettingError, said} from '../config/schema.js';
import type {MixerSettings} from '../layers/mixer-schema.js';
import {mixerSchema, ssmSettingNames} from '../layers/mixer-schema.js';
import type {ModelConfig} from './config.js';
import {parseModelConfig} from './config.js';
import {graftSchema} from './graft-schema.js';
import {LanguageModel} from './language-model.js';
import type {PlannedLayer} from './layer-plan.js';
import {layerPlan} from './layer-plan.js';
import type {GraftSettings, PartialGraftSettings} from './settings.generated.js';
import {copyInto} from './trainable-weights.js';

/** Options of {@link graft}: its settings, and which layers it grafts on. */
export interface GraftOptions extends PartialGraftSettings {
  /** Numbers of the layers to graft on, from 0. Default: all that attend and have no memory but their window. */
  readonly layers?: readonly number[];
}

/** What {@link graft} made: the new model, and where its memories are. */
export interface Grafted {
  /** Its `model` is the caller's to dispose. */
  readonly model: LanguageModel;
  /** Numbers of the layers that were grafted on. */
  readonly layers: readonly number[];
}

/** Settings of new SSMs, which a copied one brings along. */
const OF_NEW = ['ssmKind', 'stateSize', 'expand'] as const;

const attendsAlone = ({mixer, shortConv}: PlannedLayer): boolean =>
  !shortConv && mixer.attention && mixer.fading === 'none' && mixer.eideticSlots === 0 && mixer.storage === 0;

const hasSsm = ({mixer, shortConv}: PlannedLayer): boolean => !shortConv && mixer.ssm;

/** Errors: SettingError for a layer that is none, or has nothing to graft on. */
function chosenLayers(plan: readonly PlannedLayer[], asked: readonly number[] | undefined): number[] {
  const able = plan.flatMap((layer, i) => (attendsAlone(layer) ? [i] : []));
  const words = able.length === 0 ? 'this model has none' : `here ${able.join(', ')}`;
  const chosen = [...new Set(asked ?? able)].sort((a, b) => a - b);
  const other = chosen.find(layer => !able.includes(layer));
  if (other !== undefined || chosen.length === 0)
    throw new SettingError(
      'graft',
      said`{layers} must be some that attend and have no memory but their window, ${words}${other === undefined ? '' : `, got ${other}`}`,
    );
  return chosen;
}

/** The nearest layer with an SSM. Errors: SettingError where there is none. */
function nearestSsm(plan: readonly PlannedLayer[], layer: number): number {
  const having = plan.flatMap((one, i) => (hasSsm(one) ? [i] : []));
  if (having.length === 0)
    throw new SettingError('graft', said`{ssm} must be 'new' for a model without an SSM, got 'nearest'`);
  return having.reduce((best, one) => (Math.abs(one - layer) < Math.abs(best - layer) ? one : best));
}

const ssmOf = (mixer: MixerSettings): Partial<MixerSettings> =>
  Object.fromEntries(ssmSettingNames.map(name => [name, mixer[name]]));

/** A new SSM has the defaults of its own settings, whatever the model says of others. */
function newSsm({ssmKind, stateSize, expand}: GraftSettings): Partial<MixerSettings> {
  const defaults = Object.fromEntries(ssmSettingNames.map(name => [name, mixerSchema[name].default]));
  return {...defaults, ssmKind, stateSize, expand};
}

/** What a plan makes of one layer, and the layer whose SSM it copies. */
interface GraftedLayer {
  readonly mixer: Partial<Omit<MixerSettings, 'seed'>>;
  readonly donor?: number;
}

function graftedLayer(plan: readonly PlannedLayer[], layer: number, settings: GraftSettings): GraftedLayer {
  const {mixer} = plan[layer];
  const {fading, fadingTokens, eideticSlots, ssm} = settings;
  const window = settings.window === 0 ? mixer.window : settings.window;
  if (window === 0)
    throw new SettingError(
      'graft',
      said`{window} must be at least 1, since layer ${layer} attends to all of the past, got 0`,
    );
  const memories = {attention: true, ssm: true, window, fading, fadingTokens, eideticSlots, memoryGate: true};
  if (mixer.ssm) return {mixer: memories};
  if (ssm === 'new') return {mixer: {...memories, ...newSsm(settings)}};
  const donor = nearestSsm(plan, layer);
  return {mixer: {...memories, ...ssmOf(plan[donor].mixer)}, donor};
}

/**
 * Grafts memories onto layers of a model that attend: window attention stays with its weights, fading tokens and eidetic slots
 * come beside it behind gates that start closed, so that the model starts as the same model with this window, bit for bit, and
 * learns to use them. Fading tokens are those of the layer's own SSM where it has one, else as `ssm` says.
 *
 * Defaults: {@link graftSchema}. The weights of the model given are copied, and it stays as it is.
 * Errors: SettingError for layers without attention or with memories already, a window of 0, and settings that do not fit.
 */
export function graft(model: LanguageModel, {layers: asked, ...given}: GraftOptions = {}): Grafted {
  const settings = parseSettings('graft', graftSchema, given);
  const fixed = OF_NEW.find(name => given[name] !== undefined);
  if (settings.ssm === 'nearest' && fixed !== undefined)
    throw new SettingError(
      'graft',
      said`{${fixed}} comes with the SSM that is copied; leave it away with {ssm} 'nearest'`,
    );
  const {config} = model;
  const plan = layerPlan(config);
  const layers = chosenLayers(plan, asked);
  const grafted = new Map(layers.map(layer => [layer, graftedLayer(plan, layer, settings)]));
  const changed = parseModelConfig({
    ...config,
    seed: settings.seed,
    plan: plan.map((_, i) => {
      const own = config.plan?.[i] ?? {};
      return grafted.has(i) ? {...own, mixer: {...own.mixer, ...grafted.get(i)?.mixer}} : own;
    }),
  });
  return {model: withWeights(changed, model, grafted), layers};
}

/** The weights of a model, those of copied SSMs by the layer that they come from, and what a new one has beside them. */
function withWeights(
  config: ModelConfig,
  from: LanguageModel,
  grafted: ReadonlyMap<number, GraftedLayer>,
): LanguageModel {
  const model = LanguageModel.create(config);
  const held = new Map(from.parameters().map(({name, variable}) => [name, variable]));
  for (const {name, variable} of model.parameters()) {
    const [, layer] = /^block_(\d+)\/ssm\./.exec(name) ?? [];
    const donor = layer === undefined ? undefined : grafted.get(Number(layer))?.donor;
    const source = held.get(donor === undefined ? name : name.replace(/\d+/, String(donor)));
    if (source !== undefined) copyInto(variable, source);
  }
  return model;
}
