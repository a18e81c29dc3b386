import type {CheckpointConfig} from '../checkpoint-config.js';
import type {Layout, PlaceTable} from '../layout.js';
import {matrix, taps} from '../layout.js';

/** Inner width E: transformers computes it from `expand`, whatever `intermediate_size` says. */
function innerWidth(config: CheckpointConfig): number {
  const inner = config.expandedWidth('expand');
  if (!config.has('expand') && config.has('intermediate_size')) return config.count('intermediate_size');
  config.mustBe('intermediate_size', inner);
  return inner;
}

/** Settings that Mamba-1 and its descendants have in common. */
export function mambaSettings(config: CheckpointConfig) {
  config.mustBe('hidden_act', 'silu', 'swish');
  const dModel = config.count('hidden_size');
  const rank = config.get('time_step_rank') === 'auto' || !config.has('time_step_rank');
  return {
    preset: 'mamba',
    vocabSize: config.count('vocab_size'),
    dModel,
    layers: config.layerCount(),
    innerWidth: innerWidth(config),
    stateSize: config.count('state_size', 16),
    convWidth: config.count('conv_kernel', 4),
    deltaRank: rank ? 0 : config.count('time_step_rank'),
    convBias: config.flag('use_conv_bias', true),
    projectionBias: config.flag('use_bias', false),
    normEpsilon: config.epsilon('layer_norm_epsilon', 1e-5),
    tieHead: config.flag('tie_word_embeddings', true),
    headBias: false,
  } as const;
}

export const mambaPlaces: PlaceTable = {
  'embedding/table': 'backbone.embeddings.weight',
  'final_norm/norm': 'backbone.norm_f.weight',
  'head/kernel': matrix('lm_head.weight'),
  'block_#/norm': 'backbone.layers.#.norm.weight',
  'block_#/ssm.in_proj': matrix('backbone.layers.#.mixer.in_proj.weight'),
  'block_#/ssm.in_bias': 'backbone.layers.#.mixer.in_proj.bias',
  'block_#/ssm.conv_weight': taps('backbone.layers.#.mixer.conv1d.weight'),
  'block_#/ssm.conv_bias': 'backbone.layers.#.mixer.conv1d.bias',
  'block_#/ssm.x_proj': matrix('backbone.layers.#.mixer.x_proj.weight'),
  'block_#/ssm.dt_proj': matrix('backbone.layers.#.mixer.dt_proj.weight'),
  'block_#/ssm.dt_bias': 'backbone.layers.#.mixer.dt_proj.bias',
  'block_#/ssm.A_log': 'backbone.layers.#.mixer.A_log',
  'block_#/ssm.D': 'backbone.layers.#.mixer.D',
  'block_#/ssm.out_proj': matrix('backbone.layers.#.mixer.out_proj.weight'),
  'block_#/ssm.out_bias': 'backbone.layers.#.mixer.out_proj.bias',
};

/** Mamba-1 (arXiv 2312.00752), as the transformers library has it since its version 4.39. */
export const mamba: Layout = {
  modelType: 'mamba',
  architecture: 'MambaForCausalLM',
  settings: mambaSettings,
  places: () => mambaPlaces,
  // As the library mamba_ssm names it.
  renamed: {'backbone.embedding.weight': 'backbone.embeddings.weight'},
  describe: ({dModel, innerWidth: inner, ...config}) => ({
    vocab_size: config.vocabSize,
    hidden_size: dModel,
    num_hidden_layers: config.layers,
    intermediate_size: inner === 0 ? config.expand * dModel : inner,
    // The library takes whole ones alone; others do not come back, and so the model is none of this layout.
    expand: inner === 0 ? config.expand : Math.floor(inner / dModel),
    state_size: config.stateSize,
    conv_kernel: config.convWidth,
    time_step_rank: config.deltaRank === 0 ? Math.ceil(dModel / 16) : config.deltaRank,
    use_conv_bias: config.convBias,
    use_bias: config.projectionBias,
    layer_norm_epsilon: config.normEpsilon,
    hidden_act: 'silu',
    residual_in_fp32: true,
    tie_word_embeddings: config.tieHead,
  }),
};
