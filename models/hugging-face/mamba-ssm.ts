// config.json as the library mamba_ssm writes it, in the words of transformers.

import {CheckpointConfig} from './checkpoint-config.js';

/** Sizes of `ssm_cfg` that both kinds of layers have, by both their names. */
const sizes = {d_state: 'state_size', d_conv: 'conv_kernel', expand: 'expand'} as const;

/** What weights began with, and how the library computes: nothing of it says what a trained model is. */
const ofTraining = [
  ...['dt_min', 'dt_max', 'dt_init', 'dt_scale', 'dt_init_floor', 'A_init_range', 'conv_init'],
  ...['use_fast_path', 'use_mem_eff_path', 'chunk_size'],
];

/** Whether settings are those of mamba_ssm, which have no model_type. */
export function isMambaSsm(values: Readonly<Record<string, unknown>>): boolean {
  return values.model_type === undefined && 'd_model' in values && 'n_layer' in values;
}

/** Sizes that are given, under the names of transformers. */
function givenSizes(ssm: CheckpointConfig): object {
  const given = Object.entries(sizes).filter(([name]) => ssm.has(name));
  return Object.fromEntries(given.map(([name, ours]) => [ours, ssm.get(name)]));
}

function mamba(ssm: CheckpointConfig): object {
  ssm.allow('layer', 'dt_rank', 'bias', 'conv_bias', ...ofTraining, ...Object.keys(sizes));
  return {model_type: 'mamba', ...givenSizes(ssm), time_step_rank: ssm.get('dt_rank') ?? 'auto'};
}

/** Heads are as many as the inner width holds; its norm of gated outputs is one over each group, ours and transformers' over all. */
function mamba2(ssm: CheckpointConfig, width: number): object {
  const own = ['headdim', 'ngroups', 'D_has_hdim', 'rmsnorm', 'norm_before_gate', 'dt_limit'];
  ssm.allow('layer', 'bias', 'conv_bias', ...own, ...ofTraining, ...Object.keys(sizes));
  ssm.mustBe('ngroups', 1);
  ssm.mustBe('D_has_hdim', false);
  ssm.mustBe('rmsnorm', true);
  ssm.mustBe('norm_before_gate', false);
  const headWidth = ssm.count('headdim', 64);
  const inner = ssm.number('expand', 2) * width;
  if (inner % headWidth !== 0) ssm.fail('headdim', `a divisor of the inner width ${inner}`);
  return {
    model_type: 'mamba2',
    state_size: 128,
    ...givenSizes(ssm),
    head_dim: headWidth,
    num_heads: inner / headWidth,
    n_groups: 1,
    ...(ssm.has('dt_limit') ? {time_step_limit: ssm.get('dt_limit')} : {}),
  };
}

/** The same settings as transformers has them. Errors: CheckpointImportError for layers that are no Mamba's. */
export function ofMambaSsm(config: CheckpointConfig): CheckpointConfig {
  config.mustBe('rms_norm', true);
  config.mustBe('d_intermediate', 0);
  if (config.has('attn_layer_idx')) config.list('attn_layer_idx', 0);
  const ssm = config.inner('ssm_cfg');
  ssm.mustBe('layer', 'Mamba1', 'Mamba2');
  const width = config.count('d_model');
  const multiple = config.count('pad_vocab_size_multiple', 8);
  return new CheckpointConfig(config.where, {
    ...(ssm.get('layer') === 'Mamba2' ? mamba2(ssm, width) : mamba(ssm)),
    vocab_size: multiple * Math.ceil(config.count('vocab_size', 50_277) / multiple),
    hidden_size: width,
    num_hidden_layers: config.layerCount('n_layer'),
    use_bias: ssm.flag('bias', false),
    use_conv_bias: ssm.flag('conv_bias', true),
    tie_word_embeddings: config.flag('tie_embeddings', true),
  });
}
