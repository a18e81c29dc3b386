// Integer inputs are indices: out of range they would read foreign memory, so readable backends check them.

import {ArgumentError} from './check.js';
import type {Attributes, Dims, OpDefinition} from './op.js';

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
  const [lowest, highest, besides] = range;
  for (let i = 0; i < values.length; i++) {
    if ((values[i] < lowest || values[i] > highest) && values[i] !== besides) {
      const expected = `integers in [${lowest}, ${highest}]${besides === undefined ? '' : ` or ${besides}`}`;
      throw new ArgumentError(op.name, name, expected, `${values[i]} at flat index ${i}`);
    }
  }
}
