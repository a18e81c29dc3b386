// The last batch of a folder that was not closed: sectors that a power cut left unwritten are told from bytes that changed, in
// rows of zeros too; and folders of version 1, whose records do not tell.

import {cpSync, mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {open} from 'node:fs/promises';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {sealedJson} from '../../formats/json-file.js';
import {openFolder} from '../../memory/segments/open.js';
import type {MemoryBatch} from '../../memory/store.js';
import {refusal} from './contract.js';
import {batchOf, contents, joined, rowsWhere, tinyFormat} from './rows.js';

const SECTOR = 512;
const SEGMENT = 'rows-00000001.segment';
const versionOne = join(import.meta.dirname, '../../../test/fixtures/memory-folder-1');

/** Rows whose keys and values are zeros: sectors of nothing else. */
function zeroRows(from: number, n: number): Required<MemoryBatch> {
  const batch = batchOf(tinyFormat, {from, n, seed: 5});
  return {...batch, keys: batch.keys.fill(0), values: batch.values.fill(0)};
}

describe('the last batch of a folder of memory that was not closed', () => {
  let parent: string;
  let manifest: Buffer;
  /** The segment as a killed process leaves it, and where its last batch begins. */
  let bytes: Buffer;
  let last: number;
  let copies = 0;
  before(async () => {
    parent = mkdtempSync(join(tmpdir(), 'bmojo-torn-'));
    const folder = join(parent, 'memory');
    const store = await openFolder(folder, tinyFormat);
    await store.append(batchOf(tinyFormat, {n: 2}));
    last = readFileSync(join(folder, SEGMENT)).length;
    await store.append(zeroRows(2, 20));
    [manifest, bytes] = [readFileSync(join(folder, 'memory.json')), readFileSync(join(folder, SEGMENT))];
    await store.close();
  });
  after(() => rmSync(parent, {recursive: true}));

  /** Rows of a folder whose segment is as `segment`. */
  const rowsOf = async (segment: Buffer): Promise<number> => {
    const copy = join(parent, `copy-${copies++}`);
    mkdirSync(copy);
    writeFileSync(join(copy, 'memory.json'), manifest);
    writeFileSync(join(copy, SEGMENT), segment);
    const store = await openFolder(copy, tinyFormat);
    const {rows} = await store.stats();
    await store.close();
    rmSync(copy, {recursive: true});
    return rows;
  };
  const sectors = (): [number, number][] => {
    const found: [number, number][] = [];
    for (let at = last; at < bytes.length; ) {
      const end = Math.min(bytes.length, at + SECTOR - (at % SECTOR));
      found.push([at, end]);
      at = end;
    }
    return found;
  };
  const isZeros = (segment: Buffer, [from, end]: [number, number]): boolean =>
    segment.subarray(from, end).every(byte => byte === 0);

  it('has sectors of nothing but zeros, and others', () => {
    const zeros = sectors().filter(sector => isZeros(bytes, sector));
    expect(zeros).to.have.length.above(2);
    expect(zeros).to.have.length.below(sectors().length - 1);
  });

  it('is made durable before anything notes that it is there, acknowledged or not', async () => {
    const handle = await open(join(versionOne, SEGMENT));
    const handles = Object.getPrototypeOf(handle);
    await handle.close();
    const {sync} = handles;
    let synced = 0;
    handles.sync = function () {
      synced++;
      return sync.call(this);
    };
    try {
      expect(await rowsOf(bytes)).to.equal(22);
    } finally {
      handles.sync = sync;
    }
    expect(synced).to.equal(1);
  });

  it('is refused as damaged wherever a bit of it changed', async () => {
    for (let at = last; at < bytes.length; at += 13) {
      const changed = Buffer.from(bytes);
      changed[at] ^= 1 << (at % 8);
      for (const segment of [changed, Buffer.concat([changed, Buffer.alloc(700)])]) {
        const {reason, message} = await refusal(() => rowsOf(segment));
        expect(reason, `byte ${at}`).to.equal('damaged');
        expect(message).to.include(`damaged at byte ${last}`);
      }
    }
  });

  it('is cut off whichever of its sectors were never written, unless those are zeros all the same', async () => {
    const places = sectors();
    for (let lost = 0; lost < 1 << places.length; lost++) {
      const segment = Buffer.from(bytes);
      for (const [i, [from, end]] of places.entries()) if ((lost >> i) & 1) segment.fill(0, from, end);
      expect(await rowsOf(segment), `sectors ${lost.toString(2)}`).to.equal(segment.equals(bytes) ? 22 : 2);
    }
  });
});

describe('a folder of memory of version 1', () => {
  let folder: string;
  beforeEach(() => {
    folder = join(mkdtempSync(join(tmpdir(), 'bmojo-version-1-')), 'memory');
    cpSync(versionOne, folder, {recursive: true});
  });
  afterEach(() => rmSync(join(folder, '..'), {recursive: true}));

  const first = batchOf(tinyFormat, {n: 4});
  const second = zeroRows(4, 8);

  /** What a quota of 8 left of both: its second batch drove out four rows. */
  const held = (): Required<MemoryBatch> => {
    const both = joined(first, second);
    const order = [...both.positions].sort((a, b) => both.innovations[a] - both.innovations[b] || a - b);
    const leaving = new Set(order.slice(0, 4));
    return rowsWhere(both, tinyFormat, position => !leaving.has(position));
  };

  it('holds what it held, is gone on with, and is of this version then', async () => {
    const store = await openFolder(folder, tinyFormat);
    expect(await contents(store)).to.deep.equal([held()]);
    expect(JSON.parse(readFileSync(join(folder, 'memory.json'), 'utf8')).version).to.equal(2);
    const more = zeroRows(12, 10);
    await store.append(more);
    await store.close();
    const again = await openFolder(folder, tinyFormat);
    expect(await contents(again)).to.deep.equal([joined(held(), more)]);
    await again.forget({streams: ['a'], before: 12});
    await again.close();
    const third = await openFolder(folder, undefined);
    expect(await contents(third)).to.deep.equal([more]);
    await third.close();
  });

  it('loses an end that was never written, as it did', async () => {
    const path = join(folder, SEGMENT);
    const bytes = readFileSync(path);
    writeFileSync(path, bytes.fill(0, bytes.lastIndexOf('ROWS'), 2 * SECTOR));
    const store = await openFolder(folder, tinyFormat);
    expect(await contents(store)).to.deep.equal([first]);
    await store.close();
  });

  it('and of a later one is refused', async () => {
    const path = join(folder, 'memory.json');
    const {sha256: _, ...value} = JSON.parse(readFileSync(path, 'utf8'));
    writeFileSync(path, sealedJson({...value, version: 3}));
    const {reason, message} = await refusal(() => openFolder(folder, tinyFormat));
    expect([reason, message]).to.deep.equal([
      'damaged',
      `${path} is of version 3, this bmojo reads versions 1 to 2; take the folder from a copy, or remove it to begin anew`,
    ]);
  });
});
