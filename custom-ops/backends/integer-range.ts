// Integer inputs are indices: out of range they would read foreign memory, so readable backends check them.

import {refuse} from '../check.js';
import type {Attributes, Dims, OpDefinition} from '../op.js';

/** Errors: {@link ArgumentError} naming the first offending index. */
export function checkIntegerRange(
  op: OpDefinition,
  name: string,
  values: ArrayLike<number>,
  dims: Dims,
  attrs: Attributes,
): void {
  const range = op.integerRange?.[name]?.(dims, attrs);
  if (range === undefined) return;
  for (let i = 0; i < values.length; i++) {
    if (values[i] < range[0] || values[i] > range[1]) {
      refuse(op.name, name, `integers in [${range[0]}, ${range[1]}]`, `${values[i]} at flat index ${i}`);
    }
  }
}
