import type {CheckpointConfig} from '../checkpoint-config.js';
import type {Layout, Place, PlaceTable} from '../layout.js';
import {matrix} from '../layout.js';
import {bambaNames, describeSsm, ssmPlaces, ssmSettings} from '../mamba2-ssm.js';
import {describeSizes, llamaPlaces, llamaSettings} from './llama.js';

function ssmOf(config: CheckpointConfig) {
  const inner = config.has('mamba_d_ssm') ? config.count('mamba_d_ssm') : undefined;
  return ssmSettings(config, bambaNames, {heads: 128, headWidth: 'auto', groups: 1, stateSize: 256}, inner);
}

/** Factors of the five parts of the projection into the SSM, for each of its outputs: gate, inputs, B, C, step sizes. */
function projectionFactors(config: CheckpointConfig): number[] {
  const {innerWidth, ssmHeadWidth, ssmGroups, stateSize} = ssmOf(config);
  const shared = ssmGroups * stateSize;
  const parts = [innerWidth, innerWidth, shared, shared, innerWidth / ssmHeadWidth];
  const factors = config.factors('ssm_multipliers', 5);
  return parts.flatMap((size, i) => Array<number>(size).fill(factors[i]));
}

function places(config: CheckpointConfig): PlaceTable {
  const at = 'model.layers.#';
  const factor = (name: string): number => config.factor(name);
  const [gate, down] = config.factors('mlp_multipliers', 2);
  const [into, out] = [factor('attention_in_multiplier'), factor('attention_out_multiplier')];
  const attention = (name: string, scale: number): Place => matrix(`${at}.self_attn.${name}.weight`, {scale});
  const mlp = (name: string, scale: number): Place => matrix(`${at}.feed_forward.${name}.weight`, {scale});
  const same = (key: string, scale: number | readonly number[]): Place => ({key, form: 'same', scale});
  const projected = projectionFactors(config);
  const [embedding, head] = [factor('embedding_multiplier'), factor('lm_head_multiplier')];
  // A tied head has the embedding's factor in its table.
  const isTied = config.flag('tie_word_embeddings', false);
  return {
    ...llamaPlaces,
    'embedding/table': same('model.embed_tokens.weight', embedding),
    'final_norm/norm': same('model.final_layernorm.weight', isTied ? head / embedding : 1),
    'head/kernel': matrix('lm_head.weight', {scale: head}),
    'block_#/q_proj': attention('q_proj', into),
    'block_#/k_proj': attention('k_proj', into * factor('key_multiplier')),
    'block_#/k_bias': same(`${at}.self_attn.k_proj.bias`, factor('key_multiplier')),
    'block_#/v_proj': attention('v_proj', into),
    'block_#/o_proj': attention('o_proj', out),
    'block_#/o_bias': same(`${at}.self_attn.o_proj.bias`, out),
    ...ssmPlaces(`${at}.mamba`),
    'block_#/ssm.in_proj': matrix(`${at}.mamba.in_proj.weight`, {
      scale: projected.map(own => own * factor('ssm_in_multiplier')),
    }),
    'block_#/ssm.in_bias': same(`${at}.mamba.in_proj.bias`, projected),
    'block_#/ssm.out_proj': matrix(`${at}.mamba.out_proj.weight`, {scale: factor('ssm_out_multiplier')}),
    'block_#/ssm.out_bias': same(`${at}.mamba.out_proj.bias`, factor('ssm_out_multiplier')),
    'mlp_#/norm': `${at}.pre_ff_layernorm.weight`,
    'mlp_#/gate_proj': mlp('gate_proj', gate),
    'mlp_#/gate_bias': same(`${at}.feed_forward.gate_proj.bias`, gate),
    'mlp_#/up_proj': mlp('up_proj', 1),
    'mlp_#/up_bias': `${at}.feed_forward.up_proj.bias`,
    'mlp_#/down_proj': mlp('down_proj', down),
    'mlp_#/down_bias': same(`${at}.feed_forward.down_proj.bias`, down),
  };
}

/** Falcon-H1 (arXiv 2507.22448): attention and Mamba-2 side by side in every layer. */
export const falconH1: Layout = {
  modelType: 'falcon_h1',
  architecture: 'FalconH1ForCausalLM',
  settings: config => {
    const projectionBias = config.flag('mamba_proj_bias', false);
    config.mustBe('projectors_bias', projectionBias);
    config.mustBe('mamba_use_mlp', true);
    const isNormed = config.flag('mamba_rms_norm', false);
    const ssm = ssmOf(config);
    if (isNormed && config.flag('mamba_norm_before_gate', true))
      config.fail('mamba_norm_before_gate', 'false where gated outputs are normed');
    if (isNormed && ssm.ssmGroups > 1) config.fail('mamba_rms_norm', 'false with several groups');
    const own = llamaSettings(config, {kvHeads: 8});
    return {
      ...own,
      normEpsilon: config.epsilon('rms_norm_eps', 1e-5),
      ...ssm,
      ssm: true,
      ssmOutput: 'add',
      projectionBias,
      gatedNormEpsilon: isNormed ? config.positiveEpsilon('rms_norm_eps', 1e-5) : 0,
    };
  },
  places,
  describe: config => ({
    ...describeSizes(config),
    ...describeSsm(config, bambaNames),
    mamba_d_ssm: config.innerWidth === 0 ? config.expand * config.dModel : config.innerWidth,
    mamba_proj_bias: config.projectionBias,
    projectors_bias: config.projectionBias,
    mamba_rms_norm: config.gatedNormEpsilon > 0,
    mamba_norm_before_gate: false,
    attention_bias: config.attentionBias === 'all',
    mlp_bias: config.mlpBias,
    hidden_act: 'silu',
    rms_norm_eps: config.normEpsilon,
  }),
};
