// What a layout says: which of our models a config.json describes, and where each weight lies. README.md tells how one is added.

import type {ModelConfig} from '../config.js';
import type {CheckpointConfig} from './checkpoint-config.js';

/** Where a weight of ours lies in a checkpoint, and in which form. */
export interface Place {
  /** Name of the tensor; `#` stands for the number of the layer. */
  readonly key: string;
  /**
   * How the tensor lies there: `same` as ours, a `matrix` [out, in] for our [in, out], or the `taps` [E, 1, K] of a depthwise
   * convolution for our [K, E].
   */
  readonly form: 'same' | 'matrix' | 'taps';
  /** Which part of how many equal ones along the tensor's first axis ours is. Default: all of it. */
  readonly part?: readonly [index: number, of: number];
  /** Our weight is the tensor's times this, or times one of these for each place of the tensor's first axis. Default 1. */
  readonly scale?: number | readonly number[];
}

/** Places by our names; `#` stands for the number of the layer. Text is a tensor that lies there as ours does. */
export type PlaceTable = Readonly<Record<string, Place | string>>;

/** A table, or a rule that holds for every name. */
export type Places = PlaceTable | ((name: string) => Place);

type PlaceOptions = Pick<Place, 'part' | 'scale'>;

export const same = (key: string, options: PlaceOptions = {}): Place => ({key, form: 'same', ...options});
export const matrix = (key: string, options: PlaceOptions = {}): Place => ({key, form: 'matrix', ...options});
export const taps = (key: string, options: PlaceOptions = {}): Place => ({key, form: 'taps', ...options});

/** One kind of checkpoint: data alone, read in both directions. */
export interface Layout {
  readonly modelType: string;
  /** Class of the transformers library, which an exported config.json names. */
  readonly architecture: string;
  /** Our settings. Errors: CheckpointImportError, by name, for what our layers do not have. */
  settings(config: CheckpointConfig): Partial<ModelConfig>;
  /** Where each weight lies that a model of those settings may have. */
  places(config: CheckpointConfig): Places;
  /** Present names of tensors that older files call otherwise. */
  readonly renamed?: Readonly<Record<string, string>>;
  /** Tensors that hold nothing trained: tables that are computed anew. */
  readonly ignored?: RegExp;
  /**
   * The config.json of a model of ours. Whether it says everything is not asked of the layout: read back by `settings`, it must
   * give the same model.
   */
  describe(config: ModelConfig): Readonly<Record<string, unknown>>;
}
