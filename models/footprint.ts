// Bytes that a model takes, from its configuration alone: nothing is allocated. The law behind each number stands beside
// it; tests compare all of them with what the backend measures.

import {CHUNK} from '../custom-ops/selective-scan/attributes.js';
import type {ModelConfig} from './config.js';
import {mixerConfig, mlpHidden, parameterCount, widthsOf} from './parameters.js';

export interface FootprintOptions {
  /** Tokens L. */
  readonly context: number;
  /** Sequences B of which activations live at the same time (batch / accumulate). */
  readonly batch: number;
  /** Blocks keep their inputs alone. Default false. */
  readonly recompute?: boolean;
}

export interface Footprint {
  readonly parameters: number;
  /** Bytes, float32. */
  readonly weights: number;
  readonly gradients: number;
  /** First and second moments. */
  readonly optimizer: number;
  /** What the forward pass keeps for the gradient, logits included. */
  readonly activations: number;
  /** tf holds the activations' gradients until the step ends: about as many bytes again. */
  readonly activationGradients: number;
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

/** What one mixer keeps, its normalised input included, its output not. */
function mixerKept(config: ModelConfig, index: number, context: number, batch: number): Kept {
  const {ssm, attention, fading, stateSize, eideticSlots, positions, window} = mixerConfig(config, index);
  const {query, key, inner, rank} = widthsOf(config);
  const D = config.dModel;
  let perToken = 1 + D; // inverse RMS, normalised input
  let perSequence = 0;
  let once = 0;
  if (ssm) {
    // Convolution's input and output, gate, step sizes, scan's output; low-rank step sizes, B and C.
    perToken += 5 * inner + rank + 2 * stateSize;
    perSequence += Math.ceil(context / CHUNK) * inner * stateSize;
    // Halves of in_proj, where there are more tokens than channels; exp(A_log) and A.
    once += (batch * context < D ? 0 : 2 * D * inner) + 2 * inner * stateSize;
  }
  if (!attention) return {perToken, perSequence, once};
  const rotated = positions === 'rotary' ? 2 : 1;
  perToken += rotated * query + rotated * key + key; // queries, keys, values
  if (ssm) perToken += D; // fading tokens
  if (fading !== 'none') perToken += rotated * key + key;
  perToken += query + config.heads; // attention's output and log-sum-exp
  if (eideticSlots > 0) perSequence += Math.ceil(context / window) * eideticSlots;
  return {perToken, perSequence, once};
}

function mlpKept(config: ModelConfig): Kept {
  return {perToken: 1 + config.dModel + 3 * mlpHidden(config), perSequence: 0, once: 0};
}

function activationBytes(config: ModelConfig, {context, batch, recompute = false}: FootprintOptions): number {
  const {layers, mlp, dModel, vocabSize, dropout} = config;
  const dropped = dropout > 0 ? 1 : 0;
  const blocks = Array.from({length: layers}, (_, index) => [
    mixerKept(config, index, context, batch),
    ...(mlp ? [mlpKept(config)] : []),
  ]).flat();
  const numbers = ({perToken, perSequence, once}: Kept): number =>
    batch * (context * perToken + perSequence) + once;
  const tokens = batch * context;
  // Ids, the embedding, final norm and its inverse RMS, logits with log-sum-exp and loss, labels.
  let total = tokens * (1 + (1 + dropped) * dModel + (1 + dModel) + (vocabSize + 2) + 1);
  // One table of rotary angles for all layers.
  if (config.attention && config.positions === 'rotary')
    total += (context * widthsOf(config).query) / config.heads;
  // Every block's output, before and after dropout, and its sum with the input; recomputed blocks keep the sum alone, and
  // one is at work.
  const outputs = (2 + dropped) * tokens * dModel;
  if (!recompute) return 4 * blocks.reduce((sum, kept) => sum + numbers(kept) + outputs, total);
  total += blocks.length * tokens * dModel;
  return 4 * (total + Math.max(...blocks.map(kept => numbers(kept) + outputs)));
}

/** Bytes of one sequence's memory in decoding after `length` tokens; Infinity for full attention without end. */
export function stateBytes(config: ModelConfig, length = Number.POSITIVE_INFINITY): number {
  let floats = 0;
  for (let index = 0; index < config.layers; index++) {
    const {ssm, attention, fading, fadingTokens, window, eideticSlots, stateSize, convWidth, innovationSpan} =
      mixerConfig(config, index);
    const {key, inner} = widthsOf(config);
    if (ssm) floats += inner * (stateSize + convWidth - 1);
    if (!attention) continue;
    const behind = fading === 'chunk' ? (fadingTokens === 0 ? window : fadingTokens) : 0;
    const keepsTwo = eideticSlots > 0 || fading === 'sliding';
    const most = keepsTwo ? Math.max(2 * window, window - 1 + behind) : Math.max(1, window - 1 + behind);
    const recent = Math.min(length, window === 0 ? Number.POSITIVE_INFINITY : most);
    floats += (eideticSlots + recent) * 2 * key;
    if (fading !== 'none') floats += recent * 2 * key;
    if (eideticSlots > 0) floats += eideticSlots + recent + Math.min(length, innovationSpan) * config.dModel;
  }
  return 4 * floats;
}

/** Everything that training and decoding of a model take. */
export function footprint(config: ModelConfig, options: FootprintOptions): Footprint {
  const parameters = parameterCount(config);
  const activations = activationBytes(config, options);
  return {
    parameters,
    weights: 4 * parameters,
    gradients: 4 * parameters,
    optimizer: 8 * parameters,
    activations,
    activationGradients: activations,
    state: stateBytes(config, options.context),
    stateLimit: stateBytes(config),
  };
}
