// What a layer carries from one piece of a sequence to the next, and the layers that can.

import type {Tensor, Tensor3D} from '@tensorflow/tfjs-core';
import {dispose} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import type {TrainingCall} from './dropout.js';

/** Memory of a layer after `position` tokens; every row of the batch stands at the same position. */
export type LayerState = {
  readonly position: number;
  readonly tensors: Readonly<Record<string, Tensor>>;
};

export type StepResult = {
  /** Outputs for the new tokens, [B, L, D]. */
  readonly y: Tensor3D;
  readonly state: LayerState;
};

/**
 * A sequence layer that runs in pieces: `step` over all tokens at once, in chunks or one by one gives the same
 * outputs as `call`, to float tolerance.
 */
export abstract class StreamingLayer extends tfl.layers.Layer {
  /** Memory before the first token, for `batch` sequences. The caller disposes its tensors. */
  abstract initialState(batch: number): LayerState;

  /**
   * Feeds the next tokens x [B, L, D], L >= 1. The old state stays valid; dispose it when it is no longer needed.
   * `training` is given in training, for layers that then do something else.
   */
  abstract step(x: Tensor3D, state: LayerState, training?: TrainingCall): StepResult;

  /** Bytes of memory of one sequence after `length` tokens (default: the most it ever takes), in float32. */
  abstract stateSize(length?: number): number;

  override computeOutputShape(inputShape: tfl.Shape): tfl.Shape {
    return inputShape;
  }
}

export function disposeState(state: LayerState): void {
  dispose(Object.values(state.tensors));
}
