import type {LayerSettings} from '../../layer-plan.js';
import {layerPlan} from '../../layer-plan.js';
import {attentionSizes} from '../attention-sizes.js';
import type {CheckpointConfig} from '../checkpoint-config.js';
import {rotaryBase} from '../checkpoint-config.js';
import type {Layout} from '../layout.js';
import {matrix, taps} from '../layout.js';
import {describeSizes} from './llama.js';

/** Hidden width of the SwiGLU blocks, which older files adjust as Llama 1 did. */
function hiddenWidth(config: CheckpointConfig): number {
  const given = config.count(config.has('block_ff_dim') ? 'block_ff_dim' : 'intermediate_size');
  if (!config.flag('block_auto_adjust_ff_dim', true)) return given;
  const multiple = config.count('block_multiple_of', 256);
  const factor = config.number('block_ffn_dim_multiplier', 1);
  return multiple * Math.ceil(Math.trunc(factor * Math.trunc((2 * given) / 3)) / multiple);
}

/** Older files call it theta, as the model's own code does. */
function baseOf(config: CheckpointConfig): number {
  const base = rotaryBase(config, config.number('theta', 1_000_000));
  config.mustBe('theta', base);
  return base;
}

function layerTypes(config: CheckpointConfig): readonly unknown[] {
  const layers = config.layerCount();
  const attending = config.get('full_attn_idxs');
  const all = Array.from({length: layers}, (_, index) =>
    !Array.isArray(attending) || attending.includes(index) ? 'full_attention' : 'conv',
  );
  return config.list('layer_types', layers, all);
}

/** LFM2 without experts (arXiv 2511.23404): gated short convolutions, and attention with norms of queries and keys. */
export const lfm2: Layout = {
  modelType: 'lfm2',
  architecture: 'Lfm2ForCausalLM',
  settings: config => {
    const normEpsilon = config.positiveEpsilon('norm_eps', 1e-5);
    const bias = config.flag('conv_bias', false);
    return {
      preset: 'transformer',
      vocabSize: config.count('vocab_size'),
      dModel: config.count('hidden_size'),
      layers: config.layerCount(),
      plan: layerTypes(config).map((type): LayerSettings => {
        if (type === 'full_attention') return {};
        return type === 'conv' ? {shortConv: true} : config.fail('layer_types', 'conv or full_attention');
      }),
      ...attentionSizes(config, {kvHeads: 8}),
      rotaryBase: baseOf(config),
      qkNormEpsilon: normEpsilon,
      convWidth: config.count('conv_L_cache', 3),
      convBias: bias,
      projectionBias: bias,
      mlp: true,
      mlpWidth: hiddenWidth(config),
      normEpsilon,
      tieHead: config.flag(config.has('tie_embedding') ? 'tie_embedding' : 'tie_word_embeddings', true),
      headBias: false,
    };
  },
  places: () => ({
    'embedding/table': 'model.embed_tokens.weight',
    'final_norm/norm': 'model.embedding_norm.weight',
    'head/kernel': matrix('lm_head.weight'),
    'block_#/norm': 'model.layers.#.operator_norm.weight',
    'block_#/in_proj': matrix('model.layers.#.conv.in_proj.weight'),
    'block_#/in_bias': 'model.layers.#.conv.in_proj.bias',
    'block_#/conv_weight': taps('model.layers.#.conv.conv.weight'),
    'block_#/conv_bias': 'model.layers.#.conv.conv.bias',
    'block_#/out_proj': matrix('model.layers.#.conv.out_proj.weight'),
    'block_#/out_bias': 'model.layers.#.conv.out_proj.bias',
    'block_#/q_proj': matrix('model.layers.#.self_attn.q_proj.weight'),
    'block_#/k_proj': matrix('model.layers.#.self_attn.k_proj.weight'),
    'block_#/v_proj': matrix('model.layers.#.self_attn.v_proj.weight'),
    'block_#/o_proj': matrix('model.layers.#.self_attn.out_proj.weight'),
    'block_#/q_norm': 'model.layers.#.self_attn.q_layernorm.weight',
    'block_#/k_norm': 'model.layers.#.self_attn.k_layernorm.weight',
    'mlp_#/norm': 'model.layers.#.ffn_norm.weight',
    'mlp_#/gate_proj': matrix('model.layers.#.feed_forward.w1.weight'),
    'mlp_#/up_proj': matrix('model.layers.#.feed_forward.w3.weight'),
    'mlp_#/down_proj': matrix('model.layers.#.feed_forward.w2.weight'),
  }),
  describe: config => ({
    ...describeSizes(config),
    norm_eps: config.normEpsilon,
    conv_L_cache: config.convWidth,
    conv_bias: config.convBias,
    block_auto_adjust_ff_dim: false,
    layer_types: layerPlan(config).map(({shortConv}) => (shortConv ? 'conv' : 'full_attention')),
  }),
};
