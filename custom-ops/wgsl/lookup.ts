// Rows of a table by their ids, however the table's numbers lie in memory.

import {elementwisePass} from './elementwise.js';
import {nanByBits} from './maths.js';
import type {ElementType, GpuLimits, Pass} from './plan.js';

/** What is looked up: `count` ids in a table of `rows` by `columns`. */
export interface Lookup {
  readonly name: string;
  readonly table: ElementType;
  readonly count: number;
  readonly rows: number;
  readonly columns: number;
  /** WGSL of the number of the table at WGSL expressions of row and column, both u32. */
  number(row: string, column: string): string;
}

/** `y` [count, columns] from the buffers `table` and `ids`, i32 [count]; an id outside the table gets NaN. */
export function lookupPass({name, table, count, rows, columns, number}: Lookup, limits: GpuLimits): Pass {
  return elementwisePass(
    {
      name,
      read: {table, ids: 'i32'},
      write: {y: 'f32'},
      count: count * columns,
      declarations: nanByBits,
      body: `
  let id = ids[index / ${columns}u];
  let row = clamp(id, 0, ${rows - 1});
  let column = index % ${columns}u;
  y[index] = nanUnless(row == id, ${number('u32(row)', 'column')});`,
    },
    limits,
  );
}
