// Layers that run a sequence in chunks, and what they answer about themselves.

import type {Tensor3D} from '@tensorflow/tfjs-core';
import type * as tfl from '@tensorflow/tfjs-layers';
import type {Attributes} from '../custom-ops/op.js';
import type {NoState, StateShapes, StateTree} from './state.js';
import {shapeBytes} from './state.js';
import type {RotarySpec, StepContext} from './step-context.js';
import {DeclaredLayer} from './weights.js';

/**
 * What a step of a {@link StreamingLayer} gives: outputs for the new tokens, and the memory after them, the
 * caller's to dispose.
 */
export type StepResult<S extends StateTree = StateTree> = {
  /** Outputs for the new tokens, [B, L, D]. */
  readonly y: Tensor3D;
  readonly state: S;
};

/** Tokens that a memory has room for, and is to have; none means no more than there are. */
export interface RoomChange {
  readonly from?: number;
  readonly to?: number;
}

/** What decides the operations of a step, beside the shapes of its tensors. */
export interface StepKind {
  /** Steps of one name on tensors of the same shapes take the same operations with the same attributes, */
  readonly name: string;
  /** and none of them comes again where this is set, */
  readonly isPassing?: boolean;
  /** but for these, by operator: what makes the attributes of this step from those of another one of the name. */
  readonly varying: Readonly<Record<string, (attributes: Attributes) => Attributes>>;
}

/** The kind of a step that is the same at every position. */
export const STEADY: StepKind = {name: '', varying: {}};

/**
 * A sequence layer that runs in chunks: `step` over all tokens at once, in chunks or one by one gives the same
 * outputs as `call`, to float tolerance. S is the type of its memory.
 */
export abstract class StreamingLayer<S extends StateTree = StateTree> extends DeclaredLayer {
  /** Memory before the first token, for `batch` sequences. The caller disposes it with `disposeState`. */
  abstract initialState(batch: number): S;

  /**
   * Feeds the next tokens x [B, L, D], L >= 1, which stand where `context` says. The old state stays valid; dispose it
   * when it is no longer needed.
   */
  abstract step(x: Tensor3D, state: S, context: StepContext): StepResult<S>;

  /** Shapes of one sequence's memory after `length` tokens of width D; `room` as in {@link StepContext}. */
  abstract stateShapes(width: number, length: number, room?: number): StateShapes<S>;

  /**
   * The memory after `position` tokens with room for `to` of them in the place of `from`: one that grows keeps its shapes as
   * long as there is room. Tensors that need no change are those of `state`, which stays valid.
   */
  withRoom(state: S, _position: number, _room: RoomChange): S {
    return state;
  }

  /** Bytes of one sequence's memory after `length` tokens of width D. Default length: the most that it ever takes. */
  stateBytes(width: number, length = Number.POSITIVE_INFINITY): number {
    return shapeBytes(this.stateShapes(width, length));
  }

  /** What kind of step feeds `length` tokens behind `position` others. */
  stepKind(_position: number, _length: number): StepKind {
    return STEADY;
  }

  /** The rotary tables that a step takes. */
  rotarySpecs(_width: number): RotarySpec[] {
    return [];
  }

  override computeOutputShape(inputShape: tfl.Shape): tfl.Shape {
    return inputShape;
  }
}

/** A layer [B, L, D] -> [B, L, D] that treats every token by itself and keeps no memory. */
export abstract class StatelessLayer extends StreamingLayer<NoState> {
  override get isTokenwise(): boolean {
    return true;
  }

  initialState(): NoState {
    return {};
  }

  step(x: Tensor3D): StepResult<NoState> {
    return {y: this.apply(x) as Tensor3D, state: {}};
  }

  stateShapes(): StateShapes<NoState> {
    return {};
  }
}
