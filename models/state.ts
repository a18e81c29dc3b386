// The memory of a model between two steps: as a list of tensors for steps that are recorded, and as named arrays for files.

import type {Tensor} from '@tensorflow/tfjs-core';
import {keep, tensor} from '@tensorflow/tfjs-core';
import {BmojoError} from '../errors/bmojo-error.js';
import type {ShapeTree, StateTree} from '../layers/index.js';
import {disposeState, stateLeaves} from '../layers/index.js';
import {shapeLeaves, treeOf} from '../layers/state.js';

/** Memory of every layer of a model; every sequence of the batch stands at the same position. */
export type ModelState = {
  /** Tokens read so far. */
  readonly position: number;
  /** Tokens that it has room for; rows that wait for one are blank. Default: no more than were read. */
  readonly room?: number;
  readonly layers: StateTree[];
};

/** Shapes of one sequence's memory at a position, by layer: what a model declares. */
export type ModelShapes = {
  readonly position: number;
  readonly room?: number;
  readonly layers: readonly ShapeTree[];
};

/** An array of a file. */
export interface NamedArray {
  readonly name: string;
  readonly shape: readonly number[];
  readonly data: Float32Array;
}

/** Stored arrays that are not the memory of the model that they were given to. */
export class ModelStateError extends BmojoError {
  override readonly name = 'ModelStateError';
  readonly kind = 'damage';
}

/** Disposes every tensor of a model's memory; it cannot be advanced from afterwards. */
export function disposeModelState(state: ModelState): void {
  for (const layer of state.layers) disposeState(layer);
}

/** Lets the tensors of a memory outlive the scope in which they were computed. */
export function keepState(state: ModelState): ModelState {
  for (const held of stateList(state)) keep(held);
  return state;
}

/** All tensors of a memory, layer by layer. */
export function stateList(state: ModelState): Tensor[] {
  return state.layers.flatMap(layer => stateLeaves(layer).map(([, held]) => held));
}

/** The memory whose tensors `stateList` gave; `shapes` are those of its position. */
export function stateFromList({position, room, layers}: ModelShapes, tensors: readonly Tensor[]): ModelState {
  const rest = tensors.values();
  return {
    position,
    room,
    layers: layers.map(shapes =>
      treeOf(shapes, name => {
        const {value} = rest.next();
        if (value === undefined) throw new Error(`stateFromList: no tensor is left for ${name}`);
        return value;
      }),
    ),
  };
}

/** The same without the rows that a store outside the model holds instead. */
export function withoutStore({position, layers}: ModelShapes): ModelShapes {
  const pruned = (tree: ShapeTree): ShapeTree =>
    Object.fromEntries(
      Object.entries(tree)
        .filter(([name]) => name !== 'store')
        .map(([name, node]) => [
          name,
          node === undefined || Array.isArray(node) ? node : pruned(node as ShapeTree),
        ]),
    );
  return {position, layers: layers.map(pruned)};
}

/** Whether two memories have the same shapes. */
export function haveSameShapes(one: ModelShapes, other: ModelShapes): boolean {
  return JSON.stringify(one.layers) === JSON.stringify(other.layers);
}

/** Copies a memory off the device: arrays named `layer/name`. */
export async function stateArrays(state: ModelState): Promise<NamedArray[]> {
  const leaves = state.layers.flatMap((layer, index) =>
    stateLeaves(layer).map(([name, held]) => ({name: `${index}/${name}`, held})),
  );
  return Promise.all(
    leaves.map(async ({name, held}) => ({
      name,
      shape: held.shape,
      data: Float32Array.from(await held.data<'float32'>()),
    })),
  );
}

/**
 * The memory of `batch` sequences that `stateArrays` copied; `shapes` are those of its position.
 * Errors: ModelStateError for an array that is missing, unknown or of another shape.
 */
export function stateFromArrays(
  {position, layers}: ModelShapes,
  arrays: readonly {
    readonly name: string;
    readonly shape: readonly number[];
    readonly data: ArrayLike<number>;
  }[],
  batch: number,
): ModelState {
  const rest = new Map(arrays.map(array => [array.name, array]));
  const found = layers.flatMap((shapes, layer) =>
    shapeLeaves(shapes).map(([name, shape]) => {
      const key = `${layer}/${name}`;
      const array = rest.get(key);
      const wanted = [batch, ...shape];
      if (array === undefined || array.shape.join() !== wanted.join())
        throw new ModelStateError(
          `${key} must be [${wanted.join(', ')}] after ${position} tokens, got ${array === undefined ? 'nothing' : `[${array.shape.join(', ')}]`}`,
        );
      rest.delete(key);
      return array;
    }),
  );
  const [unknown] = rest.keys();
  if (unknown !== undefined) throw new ModelStateError(`the model has no place for ${unknown}`);
  const tensors = found.map(({shape, data}) => tensor(Float32Array.from(data), [...shape], 'float32'));
  return stateFromList({position, layers}, tensors);
}
