// Rows of one moment: copied into temporary tables of one session in one transaction, then read page by page, so that nobody
// waits for a reader who takes their time.

import {rowNumbers} from '../row-block.js';
import type {MemoryBatch, MemoryFormat, MemorySelection} from '../store.js';
import {MemoryStoreError} from '../store-error.js';
import type {SqlDatabase, SqlRow} from './database.js';
import {unpackRow} from './numbers.js';
import type {Part, Parts} from './parts.js';
import {storedRow, untilThere} from './parts.js';
import type {Statements} from './statements.js';
import {snapshotTable} from './statements.js';

const PAGE_ROWS = 4096;

export async function* readSnapshot(
  database: SqlDatabase,
  statements: Statements,
  format: MemoryFormat,
  parts: Parts,
  selection: MemorySelection,
  number: number,
): AsyncGenerator<Required<MemoryBatch>> {
  const {from = 0, before = 2 ** 31} = selection;
  const table = snapshotTable(number);
  const {session, release} = await database.reserve();
  try {
    const copied = await untilThere('what is to be read', () =>
      session.transaction(async inside => {
        await inside.query(table.create);
        // Held, so that no table is replaced before it is copied.
        const found = await parts.holdAll(inside, selection);
        for (const [order, {part}] of found.entries())
          await inside.query(statements.copyToSnapshot(part, order, table.name), [from, before]);
        return found;
      }),
    );
    for (const [order, part] of copied.entries())
      for (let after = -1; ; ) {
        const {rows} = await session.query(table.read, [order, after, PAGE_ROWS]);
        if (rows.length === 0) break;
        after = Number(rows[rows.length - 1].position);
        const batch = batchOf(part, rows, format, selection);
        if (batch.positions.length > 0) yield batch;
      }
    await session.query(table.drop);
  } finally {
    release();
  }
}

function batchOf(
  {stream, layer}: Part,
  rows: readonly SqlRow[],
  format: MemoryFormat,
  {where}: MemorySelection,
): Required<MemoryBatch> {
  const read = rows
    .map(row => ({...storedRow({stream, layer}, row), bytes: row.numbers}))
    .filter(({bytes, ...row}) => where?.(row) ?? true);
  const size = rowNumbers(format);
  const keys = new Float32Array(read.length * size);
  const values = new Float32Array(read.length * size);
  for (const [i, {position, bytes}] of read.entries()) {
    const numbers = unpackRow(bytes, format);
    if (numbers === undefined)
      throw new MemoryStoreError(
        'damaged',
        `memory: the row at position ${position} has numbers of another length`,
      );
    keys.set(numbers.subarray(0, size), i * size);
    values.set(numbers.subarray(size), i * size);
  }
  return {
    stream,
    layer,
    positions: Int32Array.from(read, row => row.position),
    innovations: Float32Array.from(read, row => row.innovation),
    tokens: Int32Array.from(read, row => row.token),
    keys,
    values,
  };
}
