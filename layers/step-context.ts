// What is known of the tokens of a step beside their vectors: handed down from the model to every layer.

import type {Tensor1D, Tensor2D, Tensor4D} from '@tensorflow/tfjs-core';
import {rotaryTable, sharedRotaryTable} from '../custom-ops/rotary-embedding/table.js';

/** What a layer is given when it is called in training. */
export interface TrainingCall {
  /** [2], int32: the seed of this step's dropout masks; the same seed makes the same masks. */
  readonly dropoutSeed: Tensor1D;
}

/** What a rotary table depends on, beside the positions. */
export interface RotarySpec {
  /** Dh. */
  readonly headWidth: number;
  /** Base of the wavelengths. */
  readonly base: number;
}

/** The rotary table of a step's positions, for layers of one head width and base. */
export interface RotaryTable extends RotarySpec {
  /** Cosines and sines of the step's positions, [L, Dh]. */
  readonly cosSin: Tensor2D;
}

/** What the queries of a step retrieved from a store outside the model. */
export interface RetrievedRows {
  /** [B, M, G, Dh]. */
  readonly keys: Tensor4D;
  readonly values: Tensor4D;
  /** Rows of each query and key head, int32 [B, L, G, K]; -1 where there were fewer. */
  readonly rows: Tensor4D;
}

/** What a layer is told of the tokens of a step beside their vectors; handed down from the model. */
export interface StepContext {
  /** Tokens before those of the step: every sequence of the batch stands at the same position. */
  readonly position: number;
  /** Tokens that the memory has room for: rows that wait for one are blank. Default: no more than there are. */
  readonly room?: number;
  /** Rotary tables of the step's positions, one for each spec; a layer makes its own where it finds none. */
  readonly rotary?: readonly RotaryTable[];
  /** Present in training alone; in `model.fit` without a seed. */
  readonly training?: Partial<TrainingCall>;
  /** Present where a store outside the model holds what left the window, with what was retrieved from it, if anything. */
  readonly outside?: {readonly retrieved?: RetrievedRows};
}

/** What a model is given for a step beside tokens and memory; position and room are the memory's. */
export type GivenContext = Omit<StepContext, 'position' | 'room'>;

/** The start of a sequence. */
export const START: StepContext = {position: 0};

function isSame(one: RotarySpec, other: RotarySpec): boolean {
  return one.headWidth === other.headWidth && one.base === other.base;
}

/** Specs without repeats. */
export function distinctRotary(specs: readonly RotarySpec[]): RotarySpec[] {
  return specs.filter((spec, i) => specs.findIndex(other => isSame(spec, other)) === i);
}

/** The table [length, Dh] of a step of `length` tokens: the given one, or a new one. That of the first positions stays on the device. */
export function tableOf({position, rotary = []}: StepContext, length: number, spec: RotarySpec): Tensor2D {
  const given = rotary.find(table => isSame(table, spec));
  if (given !== undefined) return given.cosSin;
  if (position === 0) return sharedRotaryTable(length, spec.headWidth, spec.base);
  const positions = Array.from({length}, (_, row) => position + row);
  return rotaryTable(positions, spec.headWidth, spec.base);
}
