// Memory as files: what is exported from one store is what another imports.

import {
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
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {exportMemory} from '../../memory/exchange/export.js';
import {exportedFormat, importMemory} from '../../memory/exchange/import.js';
import {memoryInProcess} from '../../memory/open.js';
import {openFolder} from '../../memory/segments/open.js';
import type {MemoryFormat, MemoryStore} from '../../memory/store.js';
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
