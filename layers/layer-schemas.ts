// Settings of the layers beside the mixer's own. No tensor library here: the interfaces in settings.generated.ts, with what an
// editor shows at each setting, are written from these before anything is compiled.

import {choice, flag, integer, number} from '../config/schema.js';
import {dropoutField, mixerSchema, precisionField} from './mixer-schema.js';

const {seed} = mixerSchema;
const vocabSize = integer(256, 2, 2 ** 24, 'number of token ids V');

export const causalConvSchema = {
  kernelSize: integer(4, 2, 16, 'taps K; the last one sees the current token'),
  activation: choice(['none', 'silu'], 'silu', 'applied to the sum'),
  seed,
} as const;

export const linearHeadSchema = {
  vocabSize,
  bias: flag(true, 'a bias for each token id'),
  precision: precisionField,
  seed,
} as const;

export const residualSchema = {
  epsilon: number(1e-5, 0, 1, 'added to the mean square of the normalisation'),
  dropout: dropoutField,
} as const;

export const rmsNormSchema = {
  epsilon: number(1e-5, 0, 1, 'added to the mean square before the root'),
} as const;

export const rotarySchema = {
  base: number(10000, 1, 1e9, 'wavelength base: pair i turns by position / base^(2i / Dh)'),
} as const;

export const sequenceDecoderSchema = {
  depth: integer(2, 1, 64, 'normalised linear maps with a GELU after each'),
  precision: precisionField,
  seed,
} as const;

export const shortConvSchema = {
  convWidth: integer(3, 2, 16, 'taps K of the causal convolution; the last one sees the current token'),
  convBias: flag(false, 'a bias on the convolution'),
  projectionBias: flag(false, 'biases on the projections'),
  precision: precisionField,
  seed,
} as const;

export const swigluSchema = {
  hidden: integer(0, 0, 2 ** 20, 'hidden width; 0 means 8/3 of D rounded up to a multiple of 8'),
  bias: flag(false, 'a bias on each of the three maps'),
  precision: precisionField,
  seed,
} as const;

export const tokenEmbeddingSchema = {
  vocabSize,
  dim: integer(64, 1, 2 ** 16, 'width D of the vectors'),
  dropout: dropoutField,
  seed,
} as const;

export const tiedHeadSchema = {
  activation: choice(
    ['none', 'softmax'],
    'none',
    'what follows the product: nothing, which leaves the logits that sparseCrossEntropyFromLogits takes, or a softmax, which suits the losses of tf',
  ),
  precision: precisionField,
} as const;

/** Settings of the mixer that the Mamba-1 layer has. */
export const mambaSchema = {
  stateSize: mixerSchema.stateSize,
  expand: mixerSchema.expand,
  innerWidth: mixerSchema.innerWidth,
  convWidth: mixerSchema.convWidth,
  convBias: mixerSchema.convBias,
  projectionBias: mixerSchema.projectionBias,
  deltaRank: mixerSchema.deltaRank,
  ssmNormEpsilon: mixerSchema.ssmNormEpsilon,
  seed,
} as const;

/** Settings of the mixer that the Mamba-2 layer has. */
export const mamba2Schema = {
  stateSize: {...mixerSchema.stateSize, default: 128},
  expand: mixerSchema.expand,
  innerWidth: mixerSchema.innerWidth,
  convWidth: mixerSchema.convWidth,
  convBias: mixerSchema.convBias,
  projectionBias: mixerSchema.projectionBias,
  ssmHeadWidth: mixerSchema.ssmHeadWidth,
  ssmGroups: mixerSchema.ssmGroups,
  gatedNormEpsilon: mixerSchema.gatedNormEpsilon,
  seed,
} as const;

/** Settings of the mixer that the layer of window attention has. */
export const slidingWindowSchema = {
  heads: mixerSchema.heads,
  kvHeads: mixerSchema.kvHeads,
  headWidth: mixerSchema.headWidth,
  window: mixerSchema.window,
  positions: mixerSchema.positions,
  rotaryBase: mixerSchema.rotaryBase,
  storage: mixerSchema.storage,
  storagePositions: mixerSchema.storagePositions,
  storageDistance: mixerSchema.storageDistance,
  attentionBias: mixerSchema.attentionBias,
  qkNormEpsilon: mixerSchema.qkNormEpsilon,
  seed,
} as const;
