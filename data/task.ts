// What a task is: samples as a pure function of (seed, split, index), and what is asked where.

import type {Schema, Settings} from '../config/schema.js';

/** Label of a position that is not scored. */
export const IGNORED = -100;

/** Samples of the two splits come from disjoint random streams. */
export type Split = 'train' | 'test';

export interface SampleKey {
  /** Integer in [0, 2^32). */
  readonly seed: number;
  readonly split: Split;
  /** Number of the sample in its stream, an integer in [0, 2^32). */
  readonly index: number;
}

/** A scored position. */
export interface Query {
  readonly position: number;
  /** Tokens from the wanted value back to the query, where the task has such a distance. */
  readonly distance: number;
}

export interface Sample {
  /** Token ids [L]. */
  readonly inputs: Int32Array;
  /** Wanted token at each position [L], {@link IGNORED} where nothing is asked. No further shift is to be applied. */
  readonly labels: Int32Array;
  /** The scored positions in ascending order. */
  readonly queries: readonly Query[];
}

export interface Task {
  readonly name: string;
  readonly vocabSize: number;
  /** Tokens per sample, L. */
  readonly length: number;
  /** Accuracy of guessing uniformly among the possible answers. */
  readonly chance: number;
  sample(key: SampleKey): Sample;
}

/** A task with settings: what the command line and reports know of it. */
export interface TaskFamily<S extends Schema = Schema> {
  readonly name: string;
  /** One line for `--help`. */
  readonly summary: string;
  readonly schema: S;
  create(settings: Settings<S>): Task;
}
