// Keras-style layers. Importing this module registers them for saving and loading.

export type {MixerSettings} from './attention-memory.js';
export type {BMojoMixerArgs, MixerAnalysis} from './bmojo-mixer.js';
export {BMojoMixer} from './bmojo-mixer.js';
export {CausalConv1D} from './causal-conv1d.js';
export type {TrainingCall} from './dropout.js';
export type {KerasConfig, LayerArgs} from './layer-config.js';
export {LinearHead} from './linear-head.js';
export {mixerSchema} from './mixer-schema.js';
export type {ResidualBlockArgs} from './residual-block.js';
export {ResidualBlock} from './residual-block.js';
export {RMSNorm} from './rms-norm.js';
export {RotaryEmbedding} from './rotary-embedding.js';
export {SequenceDecoder} from './sequence-decoder.js';
export type {MambaMixerArgs, SlidingWindowAttentionArgs} from './special-cases.js';
export {MambaMixer, SlidingWindowAttention} from './special-cases.js';
export type {LayerState, StepResult} from './streaming.js';
export {disposeState, StreamingLayer} from './streaming.js';
export {SwiGLU} from './swiglu.js';
export {TiedHead, TokenEmbedding} from './token-embedding.js';
