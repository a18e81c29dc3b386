// Processes that write to a memory, and what must be in it afterwards.

import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import {isDeepStrictEqual} from 'node:util';
import {expect} from 'chai';
import {InProcessMemory} from '../../memory/in-process.js';
import type {MemoryBatch} from '../../memory/store.js';
import {contents} from './rows.js';
import {openWriterPlace, WRITER_QUOTA, writerBatch, writerFormat} from './writer.js';

const program = fileURLToPath(new URL('./writer.js', import.meta.url));

export interface Written {
  /** Updates that were acknowledged, by stream. */
  readonly acknowledged: ReadonlyMap<string, number>;
  /** The reason of a refusal, if there was one. */
  readonly refused: string | undefined;
  readonly err: string;
}

export interface WriterSettings {
  readonly place: string;
  readonly streams: readonly string[];
  readonly from?: number;
  readonly end?: number;
  /** A kill, so many milliseconds behind so many acknowledgements. */
  readonly kill?: {readonly acknowledged: number; readonly milliseconds: number};
  /** The longest file, in blocks of 512 bytes. */
  readonly blocks?: number;
}

/** A writer that ends by itself or is killed. */
export function written({
  place,
  streams,
  from = 0,
  end = 1e9,
  kill,
  blocks,
}: WriterSettings): Promise<Written> {
  return new Promise(resolve => {
    const args = [program, place, streams.join(','), String(from), String(end)];
    const child =
      blocks === undefined
        ? spawn(process.execPath, args)
        : spawn('sh', ['-c', `ulimit -f ${blocks}; exec "$0" "$@"`, process.execPath, ...args]);
    let [out, err] = ['', ''];
    let timer: NodeJS.Timeout | undefined;
    child.stdout.on('data', chunk => {
      out += chunk;
      if (kill !== undefined && out.split('\n').length > kill.acknowledged)
        timer ??= setTimeout(() => child.kill('SIGKILL'), kill.milliseconds);
    });
    child.stderr.on('data', chunk => {
      err += chunk;
    });
    child.on('close', () => {
      clearTimeout(timer);
      // The last line may be torn.
      const lines = out
        .split('\n')
        .slice(0, -1)
        .map(line => line.split(' '));
      const acknowledged = new Map(streams.map(stream => [stream, from]));
      for (const [stream, number] of lines)
        if (stream !== 'refused') acknowledged.set(stream, Number(number) + 1);
      resolve({acknowledged, refused: lines.find(([word]) => word === 'refused')?.[1], err});
    });
  });
}

/** What a stream holds after each number of updates, as the store in memory has it. */
export class Expected {
  private readonly store = new InProcessMemory(writerFormat, {quota: WRITER_QUOTA});
  private readonly after: Required<MemoryBatch>[][] = [[]];

  constructor(private readonly stream: string) {}

  async rows(updates: number): Promise<Required<MemoryBatch>[]> {
    while (this.after.length <= updates) {
      await this.store.append(writerBatch(this.stream, this.after.length - 1));
      this.after.push(await contents(this.store));
    }
    return this.after[updates];
  }
}

/**
 * The updates of each stream that are in the store: those acknowledged, whole, and at most one more, whole. It opens the
 * store, as whoever comes after a crash does.
 */
export async function updatesIn(
  place: string,
  expected: ReadonlyMap<string, Expected>,
  acknowledged: ReadonlyMap<string, number>,
): Promise<Map<string, number>> {
  const store = await openWriterPlace(place);
  try {
    const parts = await contents(store);
    const found = new Map<string, number>();
    for (const [stream, rows] of expected) {
      const own = parts.filter(part => part.stream === stream);
      const least = acknowledged.get(stream) ?? 0;
      const isOneMore = isDeepStrictEqual(own, await rows.rows(least + 1));
      if (!isOneMore) expect(own, `${stream} after ${least} updates`).to.deep.equal(await rows.rows(least));
      found.set(stream, isOneMore ? least + 1 : least);
    }
    return found;
  } finally {
    await store.close();
  }
}
