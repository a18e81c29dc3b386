// What of a configuration decides what a model computes: two with the same meaning take the same weights and give the same
// logits, whatever seeds, dropout, precision of products and settings of memories that they do not have.

import {fadingSizes} from '../layers/fading-memory.js';
import {mamba2Sizes} from '../layers/mamba2-memory.js';
import type {MixerSettings} from '../layers/mixer-schema.js';
import {ssmSettingNames} from '../layers/mixer-schema.js';
import {attentionSizes} from '../layers/projections.js';
import {hiddenWidth} from '../layers/swiglu.js';
import type {ModelConfig} from './config.js';
import type {PlannedLayer} from './layer-plan.js';
import {layerPlan} from './layer-plan.js';

/** Settings of the mixer that count where it attends, and where attention and an SSM meet; all others but the SSM's count always. */
const attending = [
  'heads',
  'kvHeads',
  'headWidth',
  'window',
  'positions',
  'rotaryBase',
  'attentionBias',
  'qkNormEpsilon',
];
const meeting = [
  'fading',
  'fadingTokens',
  'tieFading',
  'ssmOutput',
  'eideticSlots',
  'eideticOverlap',
  'eideticRule',
  'innovationSpan',
];

/** What weights begin with, and how their products are rounded. */
const WITHOUT_MEANING = ['seed', 'precision'];

function chosen(mixer: MixerSettings, keys: readonly string[]): object {
  return Object.fromEntries(Object.entries(mixer).filter(([key]) => keys.includes(key)));
}

function sizesOf(mixer: MixerSettings, width: number): object {
  return mixer.ssmKind === 'mamba' ? fadingSizes(mixer, width) : mamba2Sizes(mixer, width);
}

function mixerMeaning(mixer: MixerSettings, width: number): object {
  const {attention, ssm} = mixer;
  const named = ['attention', 'ssm', ...attending, ...ssmSettingNames, ...meeting, ...WITHOUT_MEANING];
  return {
    attention: attention && {
      ...chosen(mixer, attending),
      ...attentionSizes(mixer, width),
      kvHeads: 0,
      rotaryBase: mixer.positions === 'rotary' && mixer.rotaryBase,
    },
    ssm: ssm && {kind: mixer.ssmKind, ...sizesOf(mixer, width)},
    both: attention && ssm && chosen(mixer, meeting),
    others: Object.fromEntries(Object.entries(mixer).filter(([key]) => !named.includes(key))),
  };
}

function layerMeaning({mixer, dropout: _, ...layer}: PlannedLayer, width: number): object {
  const {shortConv, normEpsilon, mlp, mlpWidth, mlpBias, ...others} = layer;
  const {convWidth, convBias, projectionBias} = mixer;
  return {
    normEpsilon,
    mixer: shortConv ? {convWidth, convBias, projectionBias} : mixerMeaning(mixer, width),
    shortConv,
    mlp: mlp && {width: hiddenWidth(mlpWidth, width), bias: mlpBias},
    others,
  };
}

/** What two configurations have in common that make the same model of the same weights; for comparison alone. */
export function modelMeaning(config: ModelConfig): string {
  const {vocabSize, dModel, backbone, tieHead, headBias, normEpsilon} = config;
  const layers = layerPlan(config).map(layer => layerMeaning(layer, dModel));
  const head = tieHead ? 'tied' : {headBias};
  return JSON.stringify({vocabSize, dModel, backbone, head, normEpsilon, layers});
}
