// The memory of a layer as a tree of named tensors, and the same tree with the shapes of one sequence in their place: bytes,
// lists and files follow from the declared shapes.

import type {Tensor} from '@tensorflow/tfjs-core';
import {dispose} from '@tensorflow/tfjs-core';

/** Any layer's memory, tensors [B, ...]; every memory declares a type of its own. Names of tensors are unique in a tree. */
export type StateTree = {readonly [name: string]: Tensor | StateTree | undefined};

/** Shapes of the tensors of one sequence, without B. */
export type ShapeTree = {readonly [name: string]: readonly number[] | ShapeTree | undefined};

type ShapesOf<T> = T extends Tensor ? readonly number[] : T extends undefined ? undefined : StateShapes<T>;

/** The shapes of a memory of type S. */
export type StateShapes<S> = {readonly [K in keyof S]: ShapesOf<S[K]>};

/** The memory of a layer that has none: an empty tree. */
export type NoState = Readonly<Record<never, never>>;

/** Bytes of a float32, the type of every weight and of every memory. */
export const FLOAT_BYTES = 4;

export function elements(shape: readonly number[]): number {
  return shape.reduce((product, size) => product * size, 1);
}

function isShape(node: readonly number[] | ShapeTree): node is readonly number[] {
  return Array.isArray(node);
}

/** The named shapes of a tree, in its order. */
export function shapeLeaves(shapes: ShapeTree): [name: string, shape: readonly number[]][] {
  return Object.entries(shapes).flatMap(([name, node]) => {
    if (node === undefined) return [];
    return isShape(node) ? [[name, node] as [string, readonly number[]]] : shapeLeaves(node);
  });
}

/** Bytes of one sequence's memory of these shapes. */
export function shapeBytes(shapes: ShapeTree): number {
  return shapeLeaves(shapes).reduce((total, [, shape]) => total + FLOAT_BYTES * elements(shape), 0);
}

/** A tree like `shapes` with a tensor for each shape. */
export function treeOf(
  shapes: ShapeTree,
  tensorOf: (name: string, shape: readonly number[]) => Tensor,
): StateTree {
  const tree: Record<string, Tensor | StateTree> = {};
  for (const name in shapes) {
    const node = shapes[name];
    if (node !== undefined) tree[name] = isShape(node) ? tensorOf(name, node) : treeOf(node, tensorOf);
  }
  return tree;
}

/** The named tensors [B, ...] of a memory, in its order. */
export function stateLeaves(state: StateTree): [name: string, tensor: Tensor][] {
  const found: [string, Tensor][] = [];
  collect(state, found);
  return found;
}

/** A loop: decoding asks for every token. */
function collect(state: StateTree, found: [string, Tensor][]): void {
  for (const name in state) {
    const node = state[name];
    if (node === undefined) continue;
    if (isTensor(node)) found.push([name, node]);
    else collect(node, found);
  }
}

function isTensor(node: Tensor | StateTree): node is Tensor {
  return 'dataId' in node;
}

/** The same tree with other tensors. */
export function mapState(state: StateTree, change: (tensor: Tensor) => Tensor): StateTree {
  return Object.fromEntries(
    Object.entries(state).map(([name, node]) => {
      if (node === undefined) return [name, undefined];
      return [name, isTensor(node) ? change(node) : mapState(node, change)];
    }),
  );
}

/** Disposes every tensor of a layer's memory; it cannot be stepped from afterwards. */
export function disposeState(state: StateTree): void {
  dispose(stateLeaves(state).map(([, tensor]) => tensor));
}
