// What the layers of a model are, in words: of a hybrid each kind with its number.

import type {ModelConfig} from '../models/config.js';
import type {PlannedLayer} from '../models/layer-plan.js';
import {layerPlan} from '../models/layer-plan.js';

function kindOf({shortConv, mixer}: PlannedLayer): string {
  if (shortConv) return 'a gated short convolution';
  const {attention, heads, window, fading, eideticSlots, storage, ssm, ssmKind, ssmOutput} = mixer;
  const space = ssmKind === 'mamba2' ? 'Mamba-2' : 'Mamba';
  const isOutput = ssm && (!attention || ssmOutput !== 'none');
  return [
    ...(isOutput ? [space] : []),
    ...(attention
      ? [`${heads} ${heads === 1 ? 'head' : 'heads'}, window ${window === 0 ? 'all' : window}`]
      : []),
    ...(fading === 'none' || !attention ? [] : [`fading tokens of ${space}`]),
    ...(eideticSlots === 0 || !attention ? [] : [`${eideticSlots} eidetic slots`]),
    ...(storage === 0 ? [] : [`${storage} rows of storage`]),
  ].join(', ');
}

/** The preset, and whether the layers have settings of their own beside it, as those of grafted models. */
export function modelName({preset, plan}: ModelConfig): string {
  return plan === undefined ? preset : `${preset}, layers of its own`;
}

/** Such as `4 layers (2 of Mamba; 2 of 4 heads, window all)`. */
export function layerWords(config: ModelConfig): string {
  const kinds = new Map<string, number>();
  for (const layer of layerPlan(config)) {
    const kind = kindOf(layer);
    kinds.set(kind, (kinds.get(kind) ?? 0) + 1);
  }
  const words = [...kinds].map(([kind, count]) => (kinds.size === 1 ? kind : `${count} of ${kind}`));
  return `${config.layers} ${config.layers === 1 ? 'layer' : 'layers'} (${words.join('; ')})`;
}
