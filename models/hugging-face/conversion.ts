// One weight between the form of a checkpoint and ours.

import {elements} from '../../layers/state.js';
import type {Place} from './layout.js';

/** Rows [rows, columns] become [columns, rows], in blocks that stay in a processor's cache. */
function transposed(data: Float32Array, rows: number, columns: number): Float32Array<ArrayBuffer> {
  const result = new Float32Array(data.length);
  const BLOCK = 32;
  for (let top = 0; top < rows; top += BLOCK) {
    const bottom = Math.min(rows, top + BLOCK);
    for (let left = 0; left < columns; left += BLOCK) {
      const right = Math.min(columns, left + BLOCK);
      for (let row = top; row < bottom; row++)
        for (let column = left; column < right; column++)
          result[column * rows + row] = data[row * columns + column];
    }
  }
  return result;
}

/** Shape in the checkpoint of the part that is ours. */
function partShape({form}: Place, own: readonly number[]): readonly number[] {
  switch (form) {
    case 'same':
      return own;
    case 'matrix':
      return [own[1], own[0]];
    case 'taps':
      return [own[1], 1, own[0]];
    default:
      return form satisfies never;
  }
}

/** Shape of the whole tensor in the checkpoint, for a weight of ours of shape `own`. */
export function placeShape(place: Place, own: readonly number[]): readonly number[] {
  const [first, ...rest] = partShape(place, own);
  return [first * (place.part?.[1] ?? 1), ...rest];
}

/** The numbers times the place's factors, which stand along the first axis of `rows`. */
function scaled(data: Float32Array, {scale}: Place, rows: number, inverse: boolean): Float32Array {
  if (scale === undefined) return data;
  const width = data.length / rows;
  return data.map((value, i) => {
    const factor = typeof scale === 'number' ? scale : scale[Math.floor(i / width)];
    return inverse ? value / factor : value * factor;
  });
}

/** Our weight of shape `own` out of the numbers of the whole tensor. */
export function fromCheckpoint(data: Float32Array, place: Place, own: readonly number[]): Float32Array {
  const [index, of] = place.part ?? [0, 1];
  const size = data.length / of;
  const [rows] = partShape(place, own);
  const part = of === 1 ? data : data.subarray(index * size, (index + 1) * size);
  const numbers = scaled(part, place, rows, false);
  return place.form === 'same' ? numbers : transposed(numbers, rows, size / rows);
}

/** The part of a checkpoint's tensor that is our weight of shape `own`. */
export function toCheckpoint(data: Float32Array, place: Place, own: readonly number[]): Float32Array {
  const [rows] = partShape(place, own);
  const numbers = place.form === 'same' ? data : transposed(data, elements(own) / rows, rows);
  return scaled(numbers, place, rows, true);
}
