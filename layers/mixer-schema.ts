// Settings of the B'MOJO mixer, shared by the layer, the model configuration, the command line and the demo.

import {choice, flag, integer, number} from '../config/schema.js';
import {precisions} from '../custom-ops/precision.js';

export type {MixerSettings} from './settings.generated.js';

/** Dropout of blocks and of the embedding; beside the mixer's settings, since a form reads both without a tensor library. */
export const dropoutField = number(
  0,
  0,
  0.99,
  'share of the embedding and of the output of every mixer and MLP that is set to zero in training; for corpora so small that the model learns them by heart',
);

/** How layers compute their products; beside the mixer's settings, since every layer that multiplies has it. */
export const precisionField = choice(
  precisions,
  'float32',
  "how products are computed: factors rounded to this format, sums, weights, moments, norms, states and softmax in float32; backends without it compute in float32, see the README's table of precisions",
);

/**
 * Settings of {@link BMojoMixer} with their defaults, bounds and reasons; models, the command line and the
 * demo take them too.
 */
export const mixerSchema = {
  heads: integer(2, 1, 1024, 'query heads H'),
  kvHeads: integer(0, 0, 1024, 'key/value heads G, a divisor of heads; 0 means one for each query head'),
  headWidth: integer(0, 0, 4096, 'head width Dh; 0 means D / heads'),
  window: integer(32, 0, 2 ** 24, 'tokens w attended exactly, and the chunk length; 0 means all of the past'),
  fading: choice(
    ['sliding', 'chunk', 'none'],
    'sliding',
    "fading tokens attended: the w before the window, those before the query's chunk, or none",
  ),
  fadingTokens: integer(
    0,
    0,
    2 ** 24,
    'fading tokens mf before the chunk when fading is chunk; 0 means the window',
  ),
  tieFading: flag(true, 'fading tokens share the keys and values projections of the inputs'),
  ssmOutput: choice(
    ['none', 'add', 'gated', 'projected'],
    'none',
    "what the SSM adds to the attention's output beside its fading tokens: nothing (the paper), the fading tokens, those times the tanh of a gate for each channel that starts at 0, or a projection of its own; text gains by it, but fading tokens that are output too recall less",
  ),
  eideticSlots: integer(
    32,
    0,
    2 ** 16,
    'tokens me kept verbatim because the fading memory could not predict them; recall wants about twice the pairs',
  ),
  eideticOverlap: flag(
    false,
    'let stored tokens also lie inside the window (the literal reading of the paper; recalls less)',
  ),
  eideticRule: choice(
    ['innovation', 'latest', 'chance', 'key-norm'],
    'innovation',
    'which tokens eidetic slots keep: those that the fading memory predicted worst; or, to compare with, the latest that left the window, some by chance (a fixed sequence over rotary positions), or those of the largest key',
  ),
  memoryGate: flag(
    false,
    'a gate for each head between its window and all other memories, which starts closed: the layer starts as its window alone, so that memories can be grafted onto a trained Transformer',
  ),
  storage: integer(
    0,
    0,
    1024,
    'rows K that each query and key head retrieves from storage: tokens that left the window, however many; 0 is off. Of a model the last layer has it, or those of letter R in pattern',
  ),
  storagePositions: choice(
    ['clamped', 'true', 'none'],
    'clamped',
    'where retrieved tokens stand for the query: all at one distance, so that recall holds far beyond the trained length, where they were, or nowhere',
  ),
  storageDistance: integer(
    0,
    0,
    2 ** 24,
    'distance in tokens of everything retrieved when its positions are clamped; 0 means twice the window',
  ),
  storageShare: number(
    1,
    1e-6,
    1,
    'share of the tokens that enter storage when they leave the window; 1 is all of them',
  ),
  storageEntry: choice(
    ['innovation', 'spaced'],
    'innovation',
    'which tokens enter storage when only a share of them does: those of innovation above a threshold that adapts to the share, or every n-th, n one over the share',
  ),
  storageNegatives: integer(
    0,
    0,
    1024,
    'other sequences of the batch whose tokens queries search as well in training, so that keys are learned that tell the own text from others, as in a store that holds many; without meaning otherwise',
  ),
  innovationSpan: integer(4, 1, 64, 'fading tokens k averaged to predict the next one'),
  positions: choice(
    ['rotary', 'none'],
    'rotary',
    'rotary positions bind keys to values; the paper uses none',
  ),
  rotaryBase: number(10000, 1, 1e12, 'wavelength base of the rotary positions'),
  attentionBias: choice(
    ['none', 'qkv', 'all'],
    'none',
    "biases on the attention's projections: none, on queries, keys and values, or on the output as well",
  ),
  qkNormEpsilon: number(
    0,
    0,
    1,
    'queries and keys of each head pass an RMSNorm with a gain before they are rotated, with this added to the mean square (Qwen3, LFM2); 0 means no norm',
  ),
  attention: flag(
    true,
    "attend over the memories; without it the fading memory's output is the layer's (Mamba)",
  ),
  ssm: flag(true, 'keep a fading memory; without it the layer is plain attention (Transformer)'),
  ssmKind: choice(
    ['mamba', 'mamba2'],
    'mamba',
    'the SSM: Mamba-1, where every state of a channel decays at a rate of its own, or Mamba-2, where a head decays as a whole, so that larger states cost less time',
  ),
  stateSize: integer(16, 1, 256, 'SSM state size N a channel'),
  expand: integer(2, 1, 16, 'inner width of the SSM over the model width, E / D'),
  innerWidth: integer(0, 0, 2 ** 20, 'inner width E of the SSM; 0 means expand times D'),
  convWidth: integer(4, 1, 16, 'taps of the causal convolution before the SSM'),
  convBias: flag(true, 'a bias on the convolution'),
  projectionBias: flag(false, 'biases on the projections into and out of the SSM'),
  deltaRank: integer(0, 0, 4096, 'rank R of the step-size projection; 0 means ceil(D / 16)'),
  ssmNormEpsilon: number(
    0,
    0,
    1,
    'low-rank step sizes, B and C pass an RMSNorm without a gain, with this added to the mean square (Falcon Mamba); 0 means no norm',
  ),
  ssmHeadWidth: integer(
    0,
    0,
    4096,
    'channels P of a head of Mamba-2; 0 means 64, or the greatest divisor of the inner width below',
  ),
  ssmGroups: integer(1, 1, 1024, 'groups of heads of Mamba-2 that share what a token writes and reads'),
  gatedNormEpsilon: number(
    1e-5,
    0,
    1,
    'gated outputs of Mamba-2 pass an RMSNorm with a gain, with this added to the mean square; 0 means no norm (Falcon-H1)',
  ),
  precision: precisionField,
  seed: integer(0, 0, 2 ** 31 - 1, 'seed of the initial weights'),
} as const;

/** Settings that decide the SSM of a mixer, whatever else it has. */
export const ssmSettingNames = [
  'ssmKind',
  'stateSize',
  'expand',
  'innerWidth',
  'convWidth',
  'convBias',
  'projectionBias',
  'deltaRank',
  'ssmNormEpsilon',
  'ssmHeadWidth',
  'ssmGroups',
  'gatedNormEpsilon',
] as const satisfies readonly (keyof typeof mixerSchema)[];
