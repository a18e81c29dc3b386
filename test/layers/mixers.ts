// The layers on which the sequence laws and the layer contract are tested. A new one is one line here; registry.test.ts
// finds those that are missing.

import {fill, tidy} from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import type {DeclaredLayer, StreamingLayer} from '../../layers/index.js';
import {
  BMojoMixer,
  CausalConv1D,
  LinearHead,
  Mamba2Mixer,
  MambaMixer,
  ResidualBlock,
  RMSNorm,
  RotaryEmbedding,
  SequenceDecoder,
  ShortConvMixer,
  SlidingWindowAttention,
  SwiGLU,
  TiedHead,
  TokenEmbedding,
} from '../../layers/index.js';

const attentionAlone = {ssm: false, fading: 'none', eideticSlots: 0} as const;
const small = {heads: 4, window: 6, stateSize: 4} as const;

/** The layer with its gates half open, as after some training: closed ones would hide the other memories from the laws. */
export function opened(layer: BMojoMixer): BMojoMixer {
  const build = layer.build.bind(layer);
  layer.build = shape => {
    build(shape);
    const gate = layer.trainableWeights.find(weight => weight.originalName.endsWith('memory_gate'));
    if (gate === undefined) throw new Error(`${layer.name} has no gates`);
    tidy(() => {
      gate.write(fill(gate.shape as number[], 0.5));
    });
  };
  return layer;
}

export const streamingLayers: Readonly<Record<string, () => StreamingLayer>> = {
  'full attention': () => new SlidingWindowAttention({heads: 2, window: 0}),
  'window attention': () => new SlidingWindowAttention({heads: 4, kvHeads: 2, window: 6}),
  'window of two tokens': () => new SlidingWindowAttention({heads: 2, window: 2, positions: 'none'}),
  'Mamba-2': () => new Mamba2Mixer({stateSize: 4, ssmHeadWidth: 8}),
  'Mamba-2, groups, biases, no norm': () =>
    new Mamba2Mixer({
      stateSize: 4,
      ssmHeadWidth: 4,
      ssmGroups: 2,
      convBias: false,
      projectionBias: true,
      gatedNormEpsilon: 0,
    }),
  "B'MOJO over Mamba-2": () => new BMojoMixer({...small, ssmKind: 'mamba2', eideticSlots: 5}),
  'full attention beside Mamba-2': () =>
    new BMojoMixer({
      ...small,
      window: 0,
      ssmKind: 'mamba2',
      fading: 'none',
      eideticSlots: 0,
      ssmOutput: 'add',
    }),
  Mamba: () => new MambaMixer({stateSize: 4}),
  "B'MOJO-F, sliding": () => new BMojoMixer({...small, eideticSlots: 0}),
  "B'MOJO-F, chunk": () => new BMojoMixer({...small, fading: 'chunk', fadingTokens: 3, eideticSlots: 0}),
  "B'MOJO, sliding": () => new BMojoMixer({...small, kvHeads: 2, eideticSlots: 5}),
  "B'MOJO, more slots than tokens": () => new BMojoMixer({...small, eideticSlots: 64}),
  "B'MOJO, chunk, no positions": () =>
    new BMojoMixer({...small, fading: 'chunk', positions: 'none', eideticSlots: 5, innovationSpan: 2}),
  "B'MOJO, overlap, untied": () =>
    new BMojoMixer({...small, eideticSlots: 5, eideticOverlap: true, tieFading: false}),
  "B'MOJO, the latest stored": () => new BMojoMixer({...small, eideticSlots: 4, eideticRule: 'latest'}),
  "B'MOJO, stored by chance": () =>
    new BMojoMixer({...small, eideticSlots: 5, eideticOverlap: true, eideticRule: 'chance'}),
  "B'MOJO, largest keys stored": () =>
    new BMojoMixer({...small, kvHeads: 2, eideticSlots: 5, eideticRule: 'key-norm'}),
  "B'MOJO, SSM output added": () => new BMojoMixer({...small, eideticSlots: 5, ssmOutput: 'add'}),
  "B'MOJO-F, SSM output gated": () => new BMojoMixer({...small, eideticSlots: 0, ssmOutput: 'gated'}),
  "B'MOJO, SSM output projected": () =>
    new BMojoMixer({...small, fading: 'chunk', eideticSlots: 5, ssmOutput: 'projected'}),
  "B'MOJO, memories behind gates": () =>
    opened(new BMojoMixer({...small, kvHeads: 2, eideticSlots: 5, memoryGate: true})),
  "B'MOJO-F in chunks and storage behind gates": () =>
    opened(new BMojoMixer({...small, fading: 'chunk', eideticSlots: 0, storage: 3, memoryGate: true})),
  'a window beside Mamba': () =>
    new BMojoMixer({...small, fading: 'none', eideticSlots: 0, ssmOutput: 'add'}),
  'slots and a window beside Mamba': () =>
    new BMojoMixer({...small, fading: 'none', eideticSlots: 5, ssmOutput: 'add'}),
  "B'MOJO-F with storage": () => new BMojoMixer({...small, eideticSlots: 0, storage: 3}),
  "B'MOJO with storage, positions as they were": () =>
    new BMojoMixer({...small, kvHeads: 2, eideticSlots: 5, storage: 4, storagePositions: 'true'}),
  'a window with storage, no positions in it': () =>
    new SlidingWindowAttention({heads: 2, window: 3, storage: 5, storagePositions: 'none'}),
  'storage of what innovates, no positions': () =>
    new BMojoMixer({
      ...small,
      fading: 'chunk',
      fadingTokens: 4,
      positions: 'none',
      eideticSlots: 0,
      storage: 64,
      storageShare: 0.4,
    }),
  'slots and storage of every third token': () =>
    new BMojoMixer({
      ...small,
      eideticSlots: 5,
      storage: 3,
      storageDistance: 5,
      storageShare: 1 / 3,
      storageEntry: 'spaced',
    }),
  'causal convolution': () => new CausalConv1D({kernelSize: 3}),
  'full attention, biases and norms of queries and keys': () =>
    new BMojoMixer({
      ...attentionAlone,
      heads: 4,
      kvHeads: 2,
      window: 0,
      attentionBias: 'all',
      qkNormEpsilon: 1e-6,
    }),
  'window attention, biases on queries, keys and values': () =>
    new BMojoMixer({...attentionAlone, heads: 2, window: 6, attentionBias: 'qkv'}),
  'Mamba, all biases, an inner width of its own': () =>
    new MambaMixer({stateSize: 4, innerWidth: 24, projectionBias: true}),
  'Mamba, one tap without a bias, norms inside': () =>
    new MambaMixer({stateSize: 4, convWidth: 1, convBias: false, ssmNormEpsilon: 1e-6}),
  "B'MOJO, untied, biases and norms everywhere": () =>
    new BMojoMixer({
      ...small,
      eideticSlots: 5,
      tieFading: false,
      attentionBias: 'all',
      qkNormEpsilon: 1e-6,
      projectionBias: true,
      ssmNormEpsilon: 1e-6,
    }),
  'gated short convolution': () => new ShortConvMixer(),
  'gated short convolution, biases': () =>
    new ShortConvMixer({convWidth: 4, convBias: true, projectionBias: true}),
  SwiGLU: () => new SwiGLU(),
  'SwiGLU, biases': () => new SwiGLU({hidden: 24, bias: true}),
  RMSNorm: () => new RMSNorm(),
  "residual B'MOJO block": () => new ResidualBlock({layer: new BMojoMixer({...small, eideticSlots: 5})}),
};

/** Layers that need the whole sequence, or end it. */
export const otherLayers: Readonly<Record<string, () => DeclaredLayer>> = {
  'sequence decoder': () => new SequenceDecoder(),
  'linear head': () => new LinearHead({vocabSize: 16}),
  'linear head without a bias': () => new LinearHead({vocabSize: 16, bias: false}),
};

/** Layers whose input is no sequence of vectors alone; models and tests of their own show what they compute. */
export const layersOfOtherInputs: Readonly<Record<string, () => tfl.layers.Layer>> = {
  'rotary embedding': () => new RotaryEmbedding({base: 100}),
  'token embedding': () => new TokenEmbedding({vocabSize: 16, dim: 8, dropout: 0.1}),
  'tied head': () => new TiedHead({activation: 'softmax'}),
};
