import type {ModelConfig} from '../../config.js';
import {attentionSizes} from '../attention-sizes.js';
import type {CheckpointConfig} from '../checkpoint-config.js';
import {rotaryBase} from '../checkpoint-config.js';
import type {Layout, PlaceTable} from '../layout.js';
import {matrix} from '../layout.js';

/** Settings that Llama and its descendants have in common. */
export function llamaSettings(config: CheckpointConfig, form?: Parameters<typeof attentionSizes>[1]) {
  config.mustBe('hidden_act', 'silu', 'swish');
  return {
    preset: 'transformer',
    vocabSize: config.count('vocab_size'),
    dModel: config.count('hidden_size'),
    layers: config.layerCount(),
    ...attentionSizes(config, form),
    rotaryBase: rotaryBase(config),
    attentionBias: config.flag('attention_bias', false) ? 'all' : 'none',
    mlp: true,
    mlpWidth: config.count('intermediate_size'),
    mlpBias: config.flag('mlp_bias', false),
    normEpsilon: config.epsilon('rms_norm_eps', 1e-6),
    tieHead: config.flag('tie_word_embeddings', false),
    headBias: false,
  } as const;
}

export const llamaPlaces: PlaceTable = {
  'embedding/table': 'model.embed_tokens.weight',
  'final_norm/norm': 'model.norm.weight',
  'head/kernel': matrix('lm_head.weight'),
  'block_#/norm': 'model.layers.#.input_layernorm.weight',
  'block_#/q_proj': matrix('model.layers.#.self_attn.q_proj.weight'),
  'block_#/q_bias': 'model.layers.#.self_attn.q_proj.bias',
  'block_#/k_proj': matrix('model.layers.#.self_attn.k_proj.weight'),
  'block_#/k_bias': 'model.layers.#.self_attn.k_proj.bias',
  'block_#/v_proj': matrix('model.layers.#.self_attn.v_proj.weight'),
  'block_#/v_bias': 'model.layers.#.self_attn.v_proj.bias',
  'block_#/o_proj': matrix('model.layers.#.self_attn.o_proj.weight'),
  'block_#/o_bias': 'model.layers.#.self_attn.o_proj.bias',
  'mlp_#/norm': 'model.layers.#.post_attention_layernorm.weight',
  'mlp_#/gate_proj': matrix('model.layers.#.mlp.gate_proj.weight'),
  'mlp_#/gate_bias': 'model.layers.#.mlp.gate_proj.bias',
  'mlp_#/up_proj': matrix('model.layers.#.mlp.up_proj.weight'),
  'mlp_#/up_bias': 'model.layers.#.mlp.up_proj.bias',
  'mlp_#/down_proj': matrix('model.layers.#.mlp.down_proj.weight'),
  'mlp_#/down_bias': 'model.layers.#.mlp.down_proj.bias',
};

/** What config.json says of sizes and of attention. */
export function describeSizes({heads, dModel, ...config}: ModelConfig) {
  return {
    vocab_size: config.vocabSize,
    hidden_size: dModel,
    num_hidden_layers: config.layers,
    num_attention_heads: heads,
    num_key_value_heads: config.kvHeads === 0 ? heads : config.kvHeads,
    head_dim: config.headWidth === 0 ? dModel / heads : config.headWidth,
    rope_theta: config.rotaryBase,
    rope_parameters: {rope_type: 'default', rope_theta: config.rotaryBase},
    intermediate_size: config.mlpWidth === 0 ? 8 * Math.ceil(dModel / 3) : config.mlpWidth,
    tie_word_embeddings: config.tieHead,
  };
}

/** Llama 1 to 3 without rope scaling (arXiv 2407.21783), and what shares its form, such as SmolLM. */
export const llama: Layout = {
  modelType: 'llama',
  architecture: 'LlamaForCausalLM',
  settings: llamaSettings,
  places: () => llamaPlaces,
  ignored: /\.rotary_emb\.inv_freq$/,
  describe: config => ({
    ...describeSizes(config),
    attention_bias: config.attentionBias === 'all',
    mlp_bias: config.mlpBias,
    hidden_act: 'silu',
    rms_norm_eps: config.normEpsilon,
  }),
};
