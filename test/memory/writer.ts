// A process that writes to a memory and says what was acknowledged, so that tests can kill it, or starve it of disk.

import {writeSync} from 'node:fs';
import {openPlace} from '../../memory/places/node.js';
import {openFolder} from '../../memory/segments/open.js';
import type {MemoryFormat, MemoryStore} from '../../memory/store.js';
import {MemoryStoreError} from '../../memory/store-error.js';
import {batchOf, queryOf} from './rows.js';

export const writerFormat: MemoryFormat = {
  model: 'writer',
  layers: [0],
  groups: 1,
  width: 16,
  precision: 'f16',
};
/** Of each stream: updates drive out rows from the first second on. */
export const WRITER_QUOTA = 100;
export const WRITER_ROWS = 8;

/** The number-th update of a stream. */
export function writerBatch(stream: string, number: number) {
  const from = number * WRITER_ROWS;
  return batchOf(writerFormat, {stream, layer: 0, from, n: WRITER_ROWS, seed: number});
}

export function openWriterPlace(place: string): Promise<MemoryStore> {
  const options = {quota: WRITER_QUOTA};
  return place.includes(':')
    ? openPlace(place, writerFormat, options)
    : openFolder(place, writerFormat, {...options, segmentBytes: 8000});
}

/** Appends updates [from, end) to each stream, side by side, and says `STREAM NUMBER` of each that is acknowledged. */
async function write(place: string, streams: readonly string[], from: number, end: number): Promise<void> {
  const store = await openWriterPlace(place);
  try {
    await Promise.all(
      streams.map(async stream => {
        for (let number = from; number < end; number++) {
          await store.append(writerBatch(stream, number));
          writeSync(1, `${stream} ${number}\n`);
        }
      }),
    );
  } catch (error) {
    if (!(error instanceof MemoryStoreError)) throw error;
    // What failed hurt nothing: it is still searched.
    await store.search(queryOf(writerFormat, {stream: streams[0], layer: 0}));
    writeSync(1, `refused ${error.reason}\n`);
  }
  await store.close();
}

if (process.argv[1] === import.meta.filename) {
  const [place, streams, from, end] = process.argv.slice(2);
  await write(place, streams.split(','), Number(from), Number(end));
}
