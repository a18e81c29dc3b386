// Bytes that a model takes, from its configuration alone: nothing is allocated. The law behind each number stands beside
// it; tests compare all of them with what the backend measures.

import {CHUNK as SCAN_CHUNK} from '../custom-ops/selective-scan/attributes.js';
import {chunkOf} from '../custom-ops/ssd-scan/attributes.js';
import {fadingSizes} from '../layers/fading-memory.js';
import type {MixerSettings} from '../layers/index.js';
import {mamba2Sizes} from '../layers/mamba2-memory.js';
import {attentionSizes} from '../layers/projections.js';
import {FLOAT_BYTES} from '../layers/state.js';
import {distinctRotary} from '../layers/step-context.js';
import {storesUnturned} from '../layers/storage-state.js';
import {hiddenWidth} from '../layers/swiglu.js';
import {blocksOf} from './assembly.js';
import type {ModelConfig} from './config.js';
import {layerPlan} from './layer-plan.js';
import {parameterCount, weightBytes} from './parameters.js';
import {rowBlocks} from './row-blocks.js';

/** Options of {@link footprint}: `context` and `batch` must be given. */
export interface FootprintOptions {
  /** Tokens L. */
  readonly context: number;
  /** Sequences B of which activations live at the same time (batch / accumulate). */
  readonly batch: number;
  /** Blocks keep their inputs alone. Default false. */
  readonly recompute?: boolean;
}

/** Bytes that training and decoding of a model take, by what they hold, and its number of parameters. */
export interface Footprint {
  readonly parameters: number;
  /** Bytes, float32. */
  readonly weights: number;
  /** Bytes of the weights of a model that is opened with `dtype` float16 or bfloat16, for inference. */
  readonly weightsInHalves: number;
  readonly gradients: number;
  /** First and second moments. */
  readonly optimizer: number;
  /** What the forward pass keeps for the gradient, logits included; it is let go of as gradients come. */
  readonly activations: number;
  /** Memory of one sequence in decoding: after `context` tokens, and the most it ever takes. */
  readonly state: number;
  readonly stateLimit: number;
}

interface Kept {
  /** Numbers for each token. */
  readonly perToken: number;
  /** Numbers for each sequence. */
  readonly perSequence: number;
  /** Numbers, whatever the batch. */
  readonly once: number;
}

/** What Mamba-1 keeps. */
function mambaKept(mixer: MixerSettings, D: number, context: number, batch: number): Kept {
  const {inner, stateSize, deltaRank, ssmNormEpsilon} = fadingSizes(mixer, D);
  const normed = ssmNormEpsilon > 0 ? 3 + deltaRank + 2 * stateSize : 0;
  return {
    // Convolution's input and output, gate, step sizes, scan's output; low-rank step sizes, B and C.
    perToken: 5 * inner + deltaRank + 2 * stateSize + normed,
    perSequence: Math.ceil(context / SCAN_CHUNK) * inner * stateSize,
    // Halves of in_proj, where there are more tokens than channels; exp(A_log) and A.
    once: (batch * context < D ? 0 : 2 * D * inner) + 2 * inner * stateSize,
  };
}

/** What Mamba-2 keeps. */
function mamba2Kept(mixer: MixerSettings, D: number, context: number, batch: number): Kept {
  const {inner, heads, groups, stateSize, gatedNormEpsilon, precision} = mamba2Sizes(mixer, D);
  const convolved = inner + 2 * groups * stateSize;
  return {
    // Gate; convolution's input, and the three parts of its output; step sizes; scan's output, gated, and normed.
    perToken: inner + 2 * convolved + heads + 2 * inner + (gatedNormEpsilon > 0 ? 1 + inner : 0),
    // The state before every chunk.
    perSequence: Math.ceil(context / chunkOf({precision})) * inner * stateSize,
    // The three parts of in_proj, where there are more tokens than channels; exp(A_log) and A.
    once: (batch * context < D ? 0 : D * (inner + convolved + heads)) + 2 * heads,
  };
}

/** What one mixer keeps, its normalised input included, its output not. */
function mixerKept(mixer: MixerSettings, D: number, context: number, batch: number): Kept {
  const {ssm, attention, fading, ssmOutput, eideticSlots, window, qkNormEpsilon, memoryGate} = mixer;
  const ssmKept = mixer.ssmKind === 'mamba' ? mambaKept : mamba2Kept;
  const faded = ssm ? ssmKept(mixer, D, context, batch) : {perToken: 0, perSequence: 0, once: 0};
  let perToken = 1 + D + faded.perToken; // inverse RMS, normalised input
  let {perSequence} = faded;
  const {once} = faded;
  if (!attention) return {perToken, perSequence, once};
  const {heads, groups, headWidth} = attentionSizes(mixer, D);
  const [query, key] = [heads * headWidth, groups * headWidth];
  perToken += query + 2 * key; // queries, keys, values
  if (ssm && (fading !== 'none' || ssmOutput === 'gated')) perToken += D; // fading tokens
  if (fading !== 'none') perToken += 2 * key + (qkNormEpsilon > 0 ? key + groups : 0);
  // Queries and keys before their norm, and the norm's inverse RMS.
  if (qkNormEpsilon > 0) perToken += query + key + heads + groups;
  perToken += query + heads; // attention's output and log-sum-exp
  // Attention to the window alone and its log-sum-exp, what other memories change, and the sum with what of that passes.
  if (memoryGate) perToken += 3 * query + heads;
  if (mixer.storage > 0 && context > 2 * window) perToken += storageKept(mixer, D);
  if (eideticSlots > 0) perSequence += Math.ceil(context / window) * eideticSlots;
  return {perToken, perSequence, once};
}

/** Numbers that retrieval from storage keeps for each token. */
function storageKept(mixer: MixerSettings, D: number): number {
  const {storage, storagePositions, storageShare, positions} = mixer;
  const {heads, groups, headWidth} = attentionSizes(mixer, D);
  const query = heads * headWidth;
  // Keys before they are turned.
  const unturned = storesUnturned(mixer) ? groups * headWidth : 0;
  // Queries at the one distance of everything retrieved, with its rotary table.
  const turned = positions === 'rotary' && storagePositions === 'clamped' ? query + headWidth : 0;
  // Retrieved rows, output and log-sum-exp; the difference of logarithms and the share; of both outputs the difference and
  // the sum.
  const joined = groups * storage + query + heads + 2 * heads + 2 * query;
  return unturned + turned + joined + (storageShare < 1 ? 1 : 0);
}

/** Inverse RMS and normalised input; both gates, the gated input and its factors, the convolution's output and it gated. */
function shortConvKept(D: number): Kept {
  return {perToken: 1 + D + 6 * D, perSequence: 0, once: 0};
}

function activationBytes(config: ModelConfig, {context, batch, recompute = false}: FootprintOptions): number {
  const {dModel, vocabSize} = config;
  const numbers = ({perToken, perSequence, once}: Kept): number =>
    batch * (context * perToken + perSequence) + once;
  const tokens = batch * context;
  // What each block keeps, and the sum of its input and its output.
  const layers = layerPlan(config).flatMap(layer => {
    const outputs = tokens * dModel;
    const kept = layer.shortConv ? shortConvKept(dModel) : mixerKept(layer.mixer, dModel, context, batch);
    const mixer = numbers(kept) + outputs;
    if (!layer.mlp) return [mixer];
    const hidden = hiddenWidth(layer.mlpWidth, dModel);
    return [mixer, numbers({perToken: 1 + dModel + 3 * hidden, perSequence: 0, once: 0}) + outputs];
  });
  // Ids, the embedding, final norm and its inverse RMS, loss and log-sum-exp, labels.
  let total = tokens * (1 + dModel + (1 + dModel) + 2 + 1);
  // Logits that are held at once; where these are not all, the gradient of what they are made of is computed with them.
  const blocks = rowBlocks(tokens, vocabSize);
  total += vocabSize * Math.max(...blocks.map(({size}) => size));
  if (blocks.length > 1) total += tokens * dModel;
  // One table of rotary angles for all layers that turn alike.
  const rotary = distinctRotary(blocksOf(config).flatMap(block => block.rotarySpecs(dModel)));
  for (const {headWidth} of rotary) total += context * headWidth;
  // Recomputed blocks keep the sum alone, and one is at work.
  if (!recompute) return FLOAT_BYTES * layers.reduce((sum, kept) => sum + kept, total);
  return FLOAT_BYTES * (total + layers.length * tokens * dModel + Math.max(...layers));
}

/** Bytes of one sequence's memory in decoding after `length` tokens; Infinity for full attention without end. */
export function stateBytes(config: ModelConfig, length = Number.POSITIVE_INFINITY): number {
  return blocksOf(config).reduce((total, block) => total + block.stateBytes(config.dModel, length), 0);
}

/**
 * Everything that training and decoding of a model take, computed from its configuration; nothing is
 * allocated. Errors: SettingError, as in building it.
 */
export function footprint(config: ModelConfig, options: FootprintOptions): Footprint {
  const parameters = parameterCount(config);
  const activations = activationBytes(config, options);
  return {
    parameters,
    weights: weightBytes(config, 'float32'),
    weightsInHalves: weightBytes(config, 'float16'),
    gradients: FLOAT_BYTES * parameters,
    optimizer: 2 * FLOAT_BYTES * parameters,
    activations,
    state: stateBytes(config, options.context),
    stateLimit: stateBytes(config),
  };
}
