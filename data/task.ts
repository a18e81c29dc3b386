// What a task is: samples as a pure function of (seed, split, index), and what is asked where.

import type {Schema, Settings} from '../config/schema.js';
import type {Random} from './random.js';
import {randomStream} from './random.js';

/** Label of a position that is not scored, -100 as in PyTorch. */
export const IGNORED = -100;

/** Which samples: `train` or `test`, which come from disjoint random streams. */
export type Split = 'train' | 'test';

/** What decides a sample: the same key gives the same sample on every machine. */
export interface SampleKey {
  /** Integer in [0, 2^32). */
  readonly seed: number;
  readonly split: Split;
  /** Number of the sample in its stream, an integer in [0, 2^32). */
  readonly index: number;
}

/** A scored position of a sample, and how far back the wanted value lies. */
export interface Query {
  readonly position: number;
  /** Tokens from the wanted value back to the query; 0 where there is no such distance. */
  readonly distance: number;
}

/** One sequence of a task: token ids, wanted tokens, and which positions are scored. */
export interface Sample {
  /** Token ids [L]. */
  readonly inputs: Int32Array;
  /** Wanted token at each position [L], {@link IGNORED} where nothing is asked. No further shift is to be applied. */
  readonly labels: Int32Array;
  /** The scored positions in ascending order. */
  readonly queries: readonly Query[];
}

/** `causal`: a position sees what came before it. `autoencoder`: the whole sequence is rebuilt from its last vector. */
export type Backbone = 'causal' | 'autoencoder';

/** A source of samples as a pure function of (seed, split, index), and what a model needs to know of them. */
export interface Task {
  readonly name: string;
  readonly vocabSize: number;
  /** Tokens of the longest sample, L. */
  readonly length: number;
  /** Accuracy of guessing uniformly among the possible answers. */
  readonly chance: number;
  /** Accuracy of guessing among the values that a sample holds, where it holds several. Default `chance`. */
  readonly guess?: number;
  /** What kind of model the task asks for. Default `causal`. */
  readonly backbone?: Backbone;
  /** How many shapes the training batches take, where it is known and more than one. */
  readonly batchShapes?: number;
  sample(key: SampleKey): Sample;
}

/** A task with settings: what the command line and reports know of it. */
export interface TaskFamily<S extends Schema = Schema> {
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  /** What is asked and what is counted, with quirks, in a few sentences: for reports. */
  readonly definition: string;
  /** Where the definition comes from. */
  readonly source: string;
  readonly schema: S;
  /** Settings that `bmojo eval` varies unless told otherwise, such as lengths beyond the trained one. */
  readonly sweep?: {readonly [K in keyof S]?: readonly (number | string)[]};
  /** Values of those settings that a run was trained or tested on: they come first. */
  trained?(settings: Settings<S>): {readonly [K in keyof S]?: readonly (number | string)[]};
  /** Settings of models and training that the task asks for, where they differ from the usual ones. */
  readonly modelDefaults?: Readonly<Record<string, unknown>>;
  readonly trainDefaults?: Readonly<Record<string, unknown>>;
  /** Options for `--help` behind `bmojo train NAME`, and what they do. */
  readonly examples?: readonly (readonly [string, string])[];
  create(settings: Settings<S>): Task;
}

/** The random numbers of one sample: `tag` belongs to one task, each split of it has a stream of its own. */
export function sampleRandom(tag: number, {seed, split, index}: SampleKey): Random {
  return randomStream([seed, tag + (split === 'train' ? 1 : 2)], index);
}

/** Inputs and labels of a next-token task, from L + 1 tokens: every position is asked for the token after it. */
export function nextTokenSample(tokens: ArrayLike<number>): Sample {
  const length = tokens.length - 1;
  return {
    inputs: Int32Array.from({length}, (_, i) => tokens[i]),
    labels: Int32Array.from({length}, (_, i) => tokens[i + 1]),
    queries: Array.from({length}, (_, position) => ({position, distance: 0})),
  };
}
