import type {Layout} from '../layout.js';
import {describeSizes, llamaPlaces, llamaSettings} from './llama.js';

/** Qwen3 without experts (arXiv 2505.09388): Llama with norms of queries and keys. */
export const qwen3: Layout = {
  modelType: 'qwen3',
  architecture: 'Qwen3ForCausalLM',
  settings: config => {
    config.mustBe('use_sliding_window', false);
    const layers = config.layerCount();
    const types = config.list('layer_types', layers, Array<string>(layers).fill('full_attention'));
    if (types.some(type => type !== 'full_attention'))
      config.fail('layer_types', 'full_attention throughout');
    const own = llamaSettings(config, {headWidth: 128, kvHeads: 32});
    return {
      ...own,
      mlpBias: false,
      qkNormEpsilon: config.positiveEpsilon('rms_norm_eps', own.normEpsilon),
    };
  },
  places: () => ({
    ...llamaPlaces,
    'block_#/q_norm': 'model.layers.#.self_attn.q_norm.weight',
    'block_#/k_norm': 'model.layers.#.self_attn.k_norm.weight',
  }),
  describe: config => ({
    ...describeSizes(config),
    attention_bias: config.attentionBias === 'all',
    hidden_act: 'silu',
    rms_norm_eps: config.normEpsilon,
    use_sliding_window: false,
  }),
};
