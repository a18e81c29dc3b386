// config.json as the library mamba_ssm writes it, in the words of transformers.

import {CheckpointConfig} from './checkpoint-config.js';

/** Sizes of `ssm_cfg`, by both their names; without them, the libraries have the same defaults. */
const sizes = {d_state: 'state_size', d_conv: 'conv_kernel', expand: 'expand'} as const;

/** Whether settings are those of mamba_ssm, which have no model_type. */
export function isMambaSsm(values: Readonly<Record<string, unknown>>): boolean {
  return values.model_type === undefined && 'd_model' in values && 'n_layer' in values;
}

/** The same settings as transformers has them. Errors: CheckpointImportError for layers that are no Mamba's. */
export function ofMambaSsm(config: CheckpointConfig): CheckpointConfig {
  config.mustBe('rms_norm', true);
  config.mustBe('d_intermediate', 0);
  if (config.has('attn_layer_idx')) config.list('attn_layer_idx', 0);
  const ssm = config.inner('ssm_cfg');
  ssm.allow('layer', 'dt_rank', 'bias', 'conv_bias', ...Object.keys(sizes));
  ssm.mustBe('layer', 'Mamba1');
  const multiple = config.count('pad_vocab_size_multiple', 8);
  const given = Object.entries(sizes).filter(([name]) => ssm.has(name));
  return new CheckpointConfig(config.where, {
    model_type: 'mamba',
    vocab_size: multiple * Math.ceil(config.count('vocab_size', 50_277) / multiple),
    hidden_size: config.count('d_model'),
    num_hidden_layers: config.count('n_layer'),
    ...Object.fromEntries(given.map(([name, ours]) => [ours, ssm.get(name)])),
    time_step_rank: ssm.get('dt_rank') ?? 'auto',
    use_bias: ssm.flag('bias', false),
    use_conv_bias: ssm.flag('conv_bias', true),
    tie_word_embeddings: config.flag('tie_embeddings', true),
  });
}
