// Memory as files: what is exported from one store is what another imports.

import fs, {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {exportMemory} from '../../memory/exchange/export.js';
import {exportedFormat, importMemory} from '../../memory/exchange/import.js';
import {memoryInProcess} from '../../memory/open.js';
import {openFolder} from '../../memory/segments/open.js';
import type {MemoryBatch, MemoryFormat, MemoryStore} from '../../memory/store.js';
import {MemoryStoreError} from '../../memory/store-error.js';
import {refusal} from './contract.js';
import {batchOf, contents} from './rows.js';

const format: MemoryFormat = {model: 'm', layers: [0, 2], groups: 2, width: 3, precision: 'f16'};

describe('exported memory', () => {
  let parent: string;
  let out: string;
  beforeEach(() => {
    parent = mkdtempSync(join(tmpdir(), 'bmojo-export-'));
    out = join(parent, 'out');
  });
  afterEach(() => rmSync(parent, {recursive: true}));

  it('is what another store imports, whatever its kind', async () => {
    const store = memoryInProcess(format);
    await store.append(batchOf(format, {stream: 'a"\n', layer: 2, n: 5000}));
    await store.append(batchOf(format, {stream: 'b', layer: 0}));
    expect(await exportMemory(store, out, {streams: 'all'})).to.equal(5016);
    const other = await openFolder(join(parent, 'store'), exportedFormat(out));
    expect(await importMemory(out, other)).to.equal(5016);
    expect(await contents(other)).to.deep.equal(await contents(store));
    await other.close();
    const modes = readdirSync(out).map(name => statSync(join(out, name)).mode & 0o777);
    expect(new Set(modes)).to.deep.equal(new Set([0o600]));
  });

  it('is imported whole or not at all', async () => {
    const store = memoryInProcess(format);
    await store.append(batchOf(format, {stream: 'a', layer: 0}));
    await store.append(batchOf(format, {stream: 'b', layer: 2}));
    await exportMemory(store, out, {streams: 'all'});
    const again = await refusal(() => importMemory(out, store));
    expect(again.message).to.include('holds "a" in layer 0 already');
    const other = memoryInProcess({...format, precision: 'f32'});
    expect((await refusal(() => importMemory(out, other))).reason).to.equal('format');
    const file = join(out, 'rows-000002.safetensors');
    const bytes = readFileSync(file);
    bytes[bytes.length - 1] ^= 1;
    writeFileSync(file, bytes);
    const empty = memoryInProcess(format);
    expect((await refusal(() => importMemory(out, empty))).reason).to.equal('damaged');
    expect(await contents(empty)).to.deep.equal([]);
  });

  describe('of an import that fails half-way', () => {
    const full = new MemoryStoreError('full', 'the disk has no room');
    /** Rows of one stream twice, of another, and of the first in another layer: five files. */
    const exported = async (): Promise<MemoryStore> => {
      const store = memoryInProcess(format);
      await store.append(batchOf(format, {stream: 'a', layer: 0, n: 5000}));
      for (const [stream, layer] of [
        ['a', 2],
        ['b', 0],
        ['c', 0],
      ] as const)
        await store.append(batchOf(format, {stream, layer}));
      await exportMemory(store, out, {streams: 'all'});
      return store;
    };
    /** A store whose number-th append does something else. */
    const failing = (store: MemoryStore, number: number, then: () => Promise<void>): MemoryStore => {
      let appends = 0;
      return Object.assign(Object.create(store), {
        append: (batch: MemoryBatch) => (++appends === number ? then() : store.append(batch)),
      });
    };
    const fail = (): Promise<never> => Promise.reject(full);

    it('nothing stays, wherever it fails, and what was there does', async () => {
      await exported();
      for (let number = 1; number <= 5; number++) {
        const place = join(parent, `store-${number}`);
        const store = await openFolder(place, format, {segmentBytes: 2000});
        const mine = batchOf(format, {stream: 'mine', layer: 0});
        await store.append(mine);
        const {reason, message} = await refusal(() => importMemory(out, failing(store, number, fail)));
        expect([reason, message]).to.deep.equal([
          'full',
          'the disk has no room; nothing of the import stays',
        ]);
        expect(await contents(store)).to.deep.equal([mine]);
        expect(await importMemory(out, store)).to.equal(5048);
        await store.close();
      }
    });

    it('a batch that was stored though its answer is lost does not stay either', async () => {
      await exported();
      const store = memoryInProcess(format);
      const lost = failing(store, 3, async () => {
        await store.append(batchOf(format, {stream: 'a', layer: 2}));
        throw new MemoryStoreError('unavailable', 'the connection is lost');
      });
      expect((await refusal(() => importMemory(out, lost))).reason).to.equal('unavailable');
      expect(await contents(store)).to.deep.equal([]);
    });

    it('but the rows of others who came to a stream meanwhile', async () => {
      await exported();
      const store = memoryInProcess(format);
      const theirs = batchOf(format, {stream: 'b', layer: 0, from: 3, n: 4});
      const crowded = failing(store, 4, async () => {
        await store.append(theirs);
        await store.append(batchOf(format, {stream: 'b', layer: 0}));
      });
      const {message} = await refusal(() => importMemory(out, crowded));
      expect(message).to.include('positions must begin after 6').and.include('; nothing of the import stays');
      expect(await contents(store)).to.deep.equal([theirs]);
    });

    it('what stays is told, with the way on, where it cannot be forgotten again', async () => {
      const whole = await exported();
      const store = memoryInProcess(format);
      const stuck = Object.assign(failing(store, 4, fail), {
        forget: () => Promise.reject(new MemoryStoreError('full', 'no room to forget')),
      });
      const {reason, message} = await refusal(() => importMemory(out, stuck));
      expect([reason, message]).to.deep.equal([
        'full',
        'the import failed half-way: the disk has no room. What it had stored could not be forgotten again: no room to forget. ' +
          'It holds "a" in layer 0, positions 0 to 4999; "a" in layer 2, positions 0 to 15; "b" in layer 0, positions 0 to 15: ' +
          'forget these (bmojo memory forget), then import again',
      ]);
      await store.forget({streams: ['a', 'b']});
      expect(await importMemory(out, store)).to.equal(5048);
      expect(await contents(store)).to.deep.equal(await contents(whole));
    });
  });

  describe('on a full disk', () => {
    const {fsyncSync} = fs;
    /** Behind so many files that reach the disk. */
    const fullAfter = (files: number): void => {
      let synced = 0;
      fs.fsyncSync = handle => {
        if (synced++ >= files)
          throw Object.assign(new Error('ENOSPC: no space left on device'), {code: 'ENOSPC'});
        fsyncSync(handle);
      };
      syncBuiltinESMExports();
    };
    afterEach(() => {
      fs.fsyncSync = fsyncSync;
      syncBuiltinESMExports();
    });

    it('says what was being written', async () => {
      const store = memoryInProcess(format);
      await store.append(batchOf(format, {stream: 'a', layer: 0}));
      fullAfter(0);
      const {reason, message} = await refusal(() => exportMemory(store, out, {streams: 'all'}));
      expect([reason, message]).to.deep.equal([
        'full',
        `${out} has no room (ENOSPC), and nothing of the export stays; free some, or export into another folder`,
      ]);
      const place = join(parent, 'store');
      expect((await refusal(() => openFolder(place, format))).message).to.include(
        'and the store is not opened',
      );
      fs.fsyncSync = fsyncSync;
      syncBuiltinESMExports();
      const folder = await openFolder(place, format);
      await folder.append(batchOf(format, {stream: 'a', layer: 0}));
      fullAfter(0);
      expect((await refusal(() => folder.forget({streams: ['a'], before: 2}))).message).to.include(
        'and nothing is forgotten',
      );
      expect((await refusal(() => folder.close())).message).to.include('what is stored is there');
    });
  });

  it('of an export that fails nothing stays, and one that was killed is refused with the remedy', async () => {
    const store = memoryInProcess(format);
    for (const stream of ['a', 'b', 'c']) await store.append(batchOf(format, {stream, layer: 0}));
    const failure = new MemoryStoreError('unavailable', 'the connection is lost');
    /** Fails, or does something else, behind the second batch. */
    const interrupted = (then: () => void): MemoryStore => ({
      ...store,
      format,
      snapshot: async function* (selection) {
        let batches = 0;
        for await (const batch of store.snapshot(selection)) {
          if (++batches === 3) then();
          yield batch;
        }
      },
    });
    const fail = (): never => {
      throw failure;
    };
    expect(await refusal(() => exportMemory(interrupted(fail), out, {streams: 'all'}))).to.equal(failure);
    expect(existsSync(out)).to.equal(false);
    // Neither do folders around it, unless somebody put something there; and what failed is what is told.
    const around = join(parent, 'new');
    const inner = join(around, 'folder');
    expect(await refusal(() => exportMemory(interrupted(fail), inner, {streams: 'all'}))).to.equal(failure);
    expect(existsSync(around)).to.equal(false);
    const failBeside = (): never => {
      writeFileSync(join(around, 'letter.txt'), 'dear');
      throw failure;
    };
    expect(await refusal(() => exportMemory(interrupted(failBeside), inner, {streams: 'all'}))).to.equal(
      failure,
    );
    expect(readdirSync(around)).to.deep.equal(['letter.txt']);
    // A folder that was there stays, empty as it was; so it is where the third file or the index cannot be written.
    mkdirSync(out);
    const [third, index] = [join(out, 'rows-000003.safetensors'), join(out, 'index.json')];
    for (const inTheWay of [undefined, third, index]) {
      const then = inTheWay === undefined ? fail : () => mkdirSync(inTheWay);
      await refusal(() => exportMemory(interrupted(then), out, {streams: 'all'}));
      if (inTheWay !== undefined) rmdirSync(inTheWay);
      expect(readdirSync(out)).to.deep.equal([]);
    }
    // What a killed process leaves: files of rows, or a draft of the first, and no index.
    for (const left of ['rows-000001.safetensors', 'rows-000001.safetensors.0123456789abcdef.tmp']) {
      writeFileSync(join(out, left), 'rows');
      for (const attempt of [
        () => importMemory(out, store),
        async () => exportedFormat(out),
        () => exportMemory(store, out, {streams: 'all'}),
      ])
        expect((await refusal(attempt)).message).to.include(
          `${out} holds an export that was not finished: remove it`,
        );
      expect(readdirSync(out)).to.deep.equal([left]);
      rmSync(join(out, left));
    }
    expect(await exportMemory(store, out, {streams: 'all'})).to.equal(48);
  });

  it('goes into a folder of its own', async () => {
    const store = memoryInProcess(format);
    writeFileSync(join(parent, 'letter.txt'), 'dear');
    expect((await refusal(() => exportMemory(store, parent, {streams: 'all'}))).reason).to.equal('argument');
    expect(readdirSync(parent)).to.deep.equal(['letter.txt']);
  });
});
