import type {Layout} from '../layout.js';
import {matrix} from '../layout.js';
import type {SsmNames} from '../mamba2-ssm.js';
import {describeSsm, ssmPlaces, ssmSettings} from '../mamba2-ssm.js';

const names: SsmNames = {
  heads: 'num_heads',
  headWidth: 'head_dim',
  groups: 'n_groups',
  stateSize: 'state_size',
  convWidth: 'conv_kernel',
  convBias: 'use_conv_bias',
  expand: 'expand',
};

/** Mamba-2 (arXiv 2405.21060), as the transformers library has it: the gated norm is one over all groups. */
export const mamba2: Layout = {
  modelType: 'mamba2',
  architecture: 'Mamba2ForCausalLM',
  settings: config => {
    config.mustBe('hidden_act', 'silu', 'swish');
    config.mustBe('rms_norm', true);
    config.mustBe('norm_before_gate', false);
    const normEpsilon = config.positiveEpsilon('layer_norm_epsilon', 1e-5);
    return {
      preset: 'mamba2',
      vocabSize: config.count('vocab_size'),
      dModel: config.count('hidden_size'),
      layers: config.layerCount(),
      ...ssmSettings(config, names, {heads: 128, headWidth: 64, groups: 8, stateSize: 128}),
      projectionBias: config.flag('use_bias', false),
      gatedNormEpsilon: normEpsilon,
      normEpsilon,
      tieHead: config.flag('tie_word_embeddings', false),
      headBias: false,
    };
  },
  places: () => ({
    'embedding/table': 'backbone.embeddings.weight',
    'final_norm/norm': 'backbone.norm_f.weight',
    'head/kernel': matrix('lm_head.weight'),
    'block_#/norm': 'backbone.layers.#.norm.weight',
    ...ssmPlaces('backbone.layers.#.mixer'),
  }),
  renamed: {'backbone.embedding.weight': 'backbone.embeddings.weight'},
  describe: config => ({
    vocab_size: config.vocabSize,
    hidden_size: config.dModel,
    num_hidden_layers: config.layers,
    ...describeSsm(config, names),
    use_bias: config.projectionBias,
    layer_norm_epsilon: config.normEpsilon,
    hidden_act: 'silu',
    residual_in_fp32: true,
    tie_word_embeddings: config.tieHead,
  }),
};
