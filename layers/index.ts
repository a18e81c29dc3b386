// Keras-style layers. Importing this module registers them for saving and loading.

export type {AttentionState} from './attention-state.js';
export type {
  AnalyzeOptions,
  BMojoMixerArgs,
  MixerAnalysis,
  MixerAnalysisState,
  MixerState,
  MixerStepAnalysis,
} from './bmojo-mixer.js';
export {BMojoMixer} from './bmojo-mixer.js';
export type {ConvState} from './causal-conv1d.js';
export {CausalConv1D} from './causal-conv1d.js';
export type {FadingState} from './fading-memory.js';
export type {KerasConfig} from './layer-config.js';
export {LinearHead} from './linear-head.js';
export type {MixerSettings} from './mixer-schema.js';
export {mixerSchema} from './mixer-schema.js';
export type {ResidualBlockArgs} from './residual-block.js';
export {ResidualBlock} from './residual-block.js';
export {RMSNorm} from './rms-norm.js';
export {RotaryEmbedding} from './rotary-embedding.js';
export {SequenceDecoder} from './sequence-decoder.js';
export type {
  PartialCausalConvSettings,
  PartialLinearHeadSettings,
  PartialMamba2Settings,
  PartialMambaSettings,
  PartialMixerSettings,
  PartialResidualSettings,
  PartialRmsNormSettings,
  PartialRotarySettings,
  PartialSequenceDecoderSettings,
  PartialShortConvSettings,
  PartialSlidingWindowSettings,
  PartialSwigluSettings,
  PartialTiedHeadSettings,
  PartialTokenEmbeddingSettings,
} from './settings.generated.js';
export type {ShortConvMixerArgs} from './short-conv-mixer.js';
export {ShortConvMixer} from './short-conv-mixer.js';
export type {Mamba2MixerArgs, MambaMixerArgs, SlidingWindowAttentionArgs} from './special-cases.js';
export {Mamba2Mixer, MambaMixer, SlidingWindowAttention} from './special-cases.js';
export type {NoState, ShapeTree, StateShapes, StateTree} from './state.js';
export {disposeState, stateLeaves} from './state.js';
export type {
  GivenContext,
  RetrievedRows,
  RotarySpec,
  RotaryTable,
  StepContext,
  TrainingCall,
} from './step-context.js';
export type {StepKind, StepResult} from './streaming.js';
export {StatelessLayer, StreamingLayer} from './streaming.js';
export {SwiGLU} from './swiglu.js';
export {TiedHead, TokenEmbedding} from './token-embedding.js';
export {sparseCrossEntropyFromLogits, tokenAccuracy} from './token-loss.js';
export type {WeightSpec} from './weights.js';
export {DeclaredLayer} from './weights.js';
