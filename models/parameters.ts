// The parameters of a model by name and shape, from its configuration alone: nothing is allocated.

import {SettingError} from '../config/schema.js';
import type {mixerSchema} from '../layers/mixer-schema.js';
import type {ModelConfig} from './config.js';

export interface ParameterShape {
  /** As in `LanguageModel.parameters()`. */
  readonly name: string;
  readonly shape: readonly number[];
}

/** Stages of an auto-encoder's decoder, as in MAD. */
export const DECODER_DEPTH = 2;

/** Settings of one mixer: those of the model, but for the memories that a hybrid's layers take in turn. */
export function mixerConfig(config: ModelConfig, index: number): Pick<ModelConfig, keyof typeof mixerSchema> {
  if (!config.alternate) return config;
  const memories = index % 2 === 0 ? {attention: false, ssm: true} : {attention: true, ssm: false};
  return {...config, ...memories, fading: 'none', eideticSlots: 0};
}

/** Hidden width of the SwiGLU blocks. */
export function mlpHidden({dModel, mlpWidth}: ModelConfig): number {
  return mlpWidth === 0 ? 8 * Math.ceil(dModel / 3) : mlpWidth;
}

/** Widths that follow from a configuration: H Dh, G Dh, E and R. */
export function widthsOf({dModel, heads, kvHeads, headWidth, expand, deltaRank}: ModelConfig) {
  const head = headWidth === 0 ? dModel / heads : headWidth;
  return {
    query: heads * head,
    key: (kvHeads === 0 ? heads : kvHeads) * head,
    inner: expand * dModel,
    rank: deltaRank === 0 ? Math.ceil(dModel / 16) : deltaRank,
  };
}

function mixerShapes(config: ModelConfig, index: number): [string, number[]][] {
  const {ssm, attention, fading, tieFading, stateSize, convWidth} = mixerConfig(config, index);
  const {query, key, inner, rank} = widthsOf(config);
  const D = config.dModel;
  const shapes: [string, number[]][] = [];
  if (ssm) {
    shapes.push(
      ['ssm.in_proj', [D, 2 * inner]],
      ['ssm.conv_weight', [convWidth, inner]],
      ['ssm.conv_bias', [inner]],
      ['ssm.x_proj', [inner, rank + 2 * stateSize]],
      ['ssm.dt_proj', [rank, inner]],
      ['ssm.dt_bias', [inner]],
      ['ssm.A_log', [inner, stateSize]],
      ['ssm.D', [inner]],
      ['ssm.out_proj', [inner, D]],
    );
  }
  if (attention) {
    shapes.push(['q_proj', [D, query]], ['k_proj', [D, key]], ['v_proj', [D, key]]);
    if (fading !== 'none' && !tieFading)
      shapes.push(['k_proj_fading', [D, key]], ['v_proj_fading', [D, key]]);
    shapes.push(['o_proj', [query, D]]);
  }
  return shapes;
}

/** Every trained array of the model that `createSequenceModel` builds, in its order. */
export function parameterShapes(config: ModelConfig): ParameterShape[] {
  const {vocabSize, dModel, layers, mlp, backbone, tieHead} = config;
  const shapes: ParameterShape[] = [{name: 'embedding/table', shape: [vocabSize, dModel]}];
  for (let index = 0; index < layers; index++) {
    shapes.push({name: `block_${index}/norm`, shape: [dModel]});
    for (const [name, shape] of mixerShapes(config, index))
      shapes.push({name: `block_${index}/${name}`, shape});
    if (!mlp) continue;
    const hidden = mlpHidden(config);
    shapes.push(
      {name: `mlp_${index}/norm`, shape: [dModel]},
      {name: `mlp_${index}/gate_proj`, shape: [dModel, hidden]},
      {name: `mlp_${index}/up_proj`, shape: [dModel, hidden]},
      {name: `mlp_${index}/down_proj`, shape: [hidden, dModel]},
    );
  }
  if (backbone === 'autoencoder') {
    for (let stage = 0; stage < DECODER_DEPTH; stage++)
      shapes.push(
        {name: `decoder/norm_${stage}`, shape: [dModel]},
        {name: `decoder/kernel_${stage}`, shape: [dModel, dModel]},
        {name: `decoder/bias_${stage}`, shape: [dModel]},
      );
  }
  shapes.push({name: 'final_norm/norm', shape: [dModel]});
  if (backbone === 'autoencoder' || !tieHead) {
    shapes.push({name: 'head/kernel', shape: [dModel, vocabSize]}, {name: 'head/bias', shape: [vocabSize]});
  }
  return shapes;
}

export function parameterCount(config: ModelConfig): number {
  return parameterShapes(config).reduce((total, {shape}) => total + shape.reduce((a, b) => a * b, 1), 0);
}

/**
 * The same model with the width of its SwiGLU blocks chosen so that it has as nearly `target` parameters as a width that
 * is a multiple of 8 allows. Errors: SettingError without SwiGLU blocks, or when even the least width has too many.
 */
export function withParameters(config: ModelConfig, target: number): ModelConfig {
  if (!config.mlp)
    throw new SettingError('parameters: only models with mlp have a width to choose, got mlp false');
  const of = (mlpWidth: number): number => parameterCount({...config, mlpWidth});
  const each = of(16) - of(8);
  const width = 8 * Math.round(1 + (target - of(8)) / each);
  if (width < 8)
    throw new SettingError(
      `parameters: ${config.preset} of this width and depth has at least ${of(8)}, got ${target}; take fewer layers or a smaller dModel`,
    );
  return {...config, mlpWidth: width};
}
