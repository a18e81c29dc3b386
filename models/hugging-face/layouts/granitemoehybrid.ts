import type {ModelConfig} from '../../config.js';
import type {LayerSettings} from '../../layer-plan.js';
import {layerPlan} from '../../layer-plan.js';
import type {CheckpointConfig} from '../checkpoint-config.js';
import type {Layout, Place, PlaceTable} from '../layout.js';
import {matrix} from '../layout.js';
import {bambaNames, describeSsm, ssmPlaces, ssmSettings} from '../mamba2-ssm.js';
import {describeSizes, llamaPlaces, llamaSettings} from './llama.js';

/** Names of both kinds of layer, the present one first. */
const SSM = ['linear_attention', 'mamba'];
const ATTENTION = ['full_attention', 'attention'];

const ssmAlone = {attention: false, ssm: true} as const;

function places(config: CheckpointConfig): PlaceTable {
  const at = 'model.layers.#';
  const same = (key: string, scale: number): Place => ({key, form: 'same', scale});
  const embedding = config.factor('embedding_multiplier');
  const residual = config.factor('residual_multiplier');
  const heads = config.count('num_attention_heads');
  const headWidth = config.count('head_dim', config.count('hidden_size') / heads);
  const scores = config.factor('attention_multiplier') * Math.sqrt(headWidth);
  const logits = 1 / config.factor('logits_scaling');
  // A tied head has the embedding's factor in its table.
  const isTied = config.flag('tie_word_embeddings', false);
  const mlp = (index: number): Place => matrix(`${at}.shared_mlp.input_linear.weight`, {part: [index, 2]});
  return {
    ...llamaPlaces,
    ...ssmPlaces(`${at}.mamba`),
    'embedding/table': same('model.embed_tokens.weight', embedding),
    'final_norm/norm': same('model.norm.weight', isTied ? logits / embedding : logits),
    'block_#/q_proj': matrix(`${at}.self_attn.q_proj.weight`, {scale: scores}),
    'block_#/q_bias': same(`${at}.self_attn.q_proj.bias`, scores),
    'block_#/o_proj': matrix(`${at}.self_attn.o_proj.weight`, {scale: residual}),
    'block_#/o_bias': same(`${at}.self_attn.o_proj.bias`, residual),
    'block_#/ssm.out_proj': matrix(`${at}.mamba.out_proj.weight`, {scale: residual}),
    'block_#/ssm.out_bias': same(`${at}.mamba.out_proj.bias`, residual),
    'mlp_#/gate_proj': mlp(0),
    'mlp_#/up_proj': mlp(1),
    'mlp_#/down_proj': matrix(`${at}.shared_mlp.output_linear.weight`, {scale: residual}),
  };
}

function planOf(config: CheckpointConfig): LayerSettings[] {
  const layers = config.layerCount();
  const all = Array<string>(layers).fill(SSM[0]);
  return config.list('layer_types', layers, all).map((type): LayerSettings => {
    if (typeof type === 'string' && ATTENTION.includes(type)) return {};
    if (typeof type === 'string' && SSM.includes(type)) return {mixer: ssmAlone};
    return config.fail('layer_types', [...SSM, ...ATTENTION].join(', '));
  });
}

function typesOf(config: ModelConfig): string[] {
  return layerPlan(config).map(({mixer}) => (mixer.ssm ? SSM : ATTENTION)[0]);
}

/** Granite 4 without experts: layers of Mamba-2 and layers of attention, each with a SwiGLU block. */
export const graniteMoeHybrid: Layout = {
  modelType: 'granitemoehybrid',
  architecture: 'GraniteMoeHybridForCausalLM',
  settings: config => {
    if (config.get('num_local_experts') !== 0) config.fail('num_local_experts', '0');
    config.mustBe('position_embedding_type', 'rope', 'nope');
    const isRotary = config.get('position_embedding_type') === 'rope';
    const {mlpBias: _, ...own} = llamaSettings(config, {isRotary});
    return {
      ...own,
      ...ssmSettings(config, bambaNames, {heads: 128, headWidth: 'auto', groups: 1, stateSize: 256}),
      plan: planOf(config),
      positions: isRotary ? 'rotary' : 'none',
      rotaryBase: isRotary ? own.rotaryBase : 10_000,
      projectionBias: config.flag('mamba_proj_bias', false),
      gatedNormEpsilon: config.positiveEpsilon('rms_norm_eps', own.normEpsilon),
      mlpWidth: config.count('shared_intermediate_size', 1024),
    };
  },
  places,
  describe: config => ({
    ...describeSizes(config),
    ...describeSsm(config, bambaNames),
    layer_types: typesOf(config),
    position_embedding_type: config.positions === 'rotary' ? 'rope' : 'nope',
    attention_multiplier: (config.headWidth === 0 ? config.dModel / config.heads : config.headWidth) ** -0.5,
    attention_bias: config.attentionBias === 'all',
    mamba_proj_bias: config.projectionBias,
    shared_intermediate_size: config.mlpWidth,
    num_local_experts: 0,
    num_experts_per_tok: 0,
    hidden_act: 'silu',
    rms_norm_eps: config.normEpsilon,
  }),
};
