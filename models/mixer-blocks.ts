// The blocks of a model around B'MOJO mixers: what walks through them sees, and what a store outside gives them.

import type {Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {tidy} from '@tensorflow/tfjs-core';
import type {RetrievedRows, StepContext, StreamingLayer} from '../layers/index.js';
import {BMojoMixer, ResidualBlock} from '../layers/index.js';

/** A mixer on the way through the model, and what it is given, [B, L, D]. */
export interface MixerVisit {
  readonly mixer: BMojoMixer;
  readonly input: Tensor3D;
}

/** A mixer on the way through a step that waits for what its queries retrieve. */
export interface StorageVisit {
  /** Number of its layer. */
  readonly layer: number;
  readonly mixer: BMojoMixer;
  /** What the queries are compared by with stored keys, [B, L, G, Dh]. */
  readonly queries: Tensor4D;
  /** Of the first query. */
  readonly position: number;
}

/** A residual block around a mixer. */
export type MixerBlock = ResidualBlock & {readonly layer: BMojoMixer};

/** What the queries of a block retrieve for a step from its input; undefined for a block that retrieves nothing. */
export async function retrievedFor(
  retrieve: (visit: StorageVisit) => Promise<RetrievedRows | undefined>,
  block: MixerBlock | undefined,
  {layer, input, context}: {readonly layer: number; readonly input: Tensor3D; readonly context: StepContext},
): Promise<StepContext['outside']> {
  if (block === undefined || block.layer.settings.storage === 0) return undefined;
  const {layer: mixer} = block;
  const queries = tidy(() => mixer.storageQueries(block.normalise(input), context));
  try {
    return {retrieved: await retrieve({layer, mixer, queries, position: context.position})};
  } finally {
    queries.dispose();
  }
}

export function isMixerBlock(block: StreamingLayer): block is MixerBlock {
  return block instanceof ResidualBlock && block.layer instanceof BMojoMixer;
}
