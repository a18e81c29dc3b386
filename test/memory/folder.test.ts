// The store in a folder of files: the contract, recovery at every byte, and what is left of what was forgotten.

import fs, {
  copyFileSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  renameSync,
  rmdirSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import {syncBuiltinESMExports} from 'node:module';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {openFolder} from '../../memory/segments/open.js';
import type {MemoryFormat, MemoryStore} from '../../memory/store.js';
import {refusal, storeContract} from './contract.js';
import {batchOf, contents, tinyFormat} from './rows.js';

const temporary = (): string => mkdtempSync(join(tmpdir(), 'bmojo-memory-'));

for (const segmentBytes of [1 << 26, 3000])
  storeContract({
    name: `memory in a folder, segments of ${segmentBytes} bytes`,
    durable: true,
    place: () => {
      const parent = temporary();
      const folder = join(parent, 'memory');
      return {
        open: (format, options) => openFolder(folder, format, {...options, segmentBytes}),
        remove: () => rmSync(parent, {recursive: true}),
      };
    },
  });

describe('memory in a folder', () => {
  let parent: string;
  let folder: string;
  let store: MemoryStore | undefined;
  const open = async (options: object = {}, format: MemoryFormat = tinyFormat): Promise<MemoryStore> => {
    store = await openFolder(folder, format, options);
    return store;
  };
  const segments = (): string[] =>
    readdirSync(folder)
      .filter(name => name.endsWith('.segment'))
      .sort()
      .map(name => join(folder, name));
  /** As a killed process leaves it: the lock is of nobody. */
  const copyOf = (name: string): string => {
    const copy = join(parent, name);
    mkdirSync(copy);
    for (const file of readdirSync(folder))
      if (file !== 'lock.json') copyFileSync(join(folder, file), join(copy, file));
    return copy;
  };
  beforeEach(() => {
    parent = temporary();
    folder = join(parent, 'memory');
  });
  afterEach(async () => {
    await store?.close();
    rmSync(parent, {recursive: true});
  });

  it('after a kill at any byte of an update, every acknowledged batch is there and nothing of the other', async () => {
    // Small rows: as many places to stop at as a record has bytes.
    const small: MemoryFormat = {...tinyFormat, groups: 1, width: 1};
    await open({}, small);
    const first = batchOf(small, {n: 2});
    await store?.append(first);
    const acknowledged = statSync(segments()[0]).size;
    const second = batchOf(small, {from: 2, n: 6});
    await store?.append(second);
    const whole = statSync(segments()[0]).size;
    const copy = copyOf('copy');
    const segment = join(copy, 'rows-00000001.segment');
    const bytes = readFileSync(segment);
    for (let size = acknowledged; size <= whole; size++) {
      writeFileSync(segment, bytes.subarray(0, size));
      const again = await openFolder(copy, small);
      const rows = (await again.stats()).rows;
      expect(rows, `${size} bytes`).to.equal(size === whole ? 8 : 2);
      // What comes next finds a clean end.
      await again.append(batchOf(small, {from: rows, n: 1, seed: 3}));
      await again.close();
      const third = await openFolder(copy, small);
      expect((await third.stats()).rows).to.equal(rows + 1);
      await third.close();
      rmSync(copy, {recursive: true});
      copyOf('copy');
    }
  });

  describe('after a power cut', () => {
    /** The files after two batches, the second not acknowledged: its bytes as `change` leaves them. */
    const rowsAfter = async (change: (bytes: Buffer, acknowledged: number) => Buffer): Promise<number> => {
      await open();
      await store?.append(batchOf(tinyFormat, {n: 2}));
      const acknowledged = statSync(segments()[0]).size;
      await store?.append(batchOf(tinyFormat, {from: 2, n: 20, seed: 5}));
      const copy = copyOf('copy');
      const segment = join(copy, 'rows-00000001.segment');
      writeFileSync(segment, change(readFileSync(segment), acknowledged));
      const again = await openFolder(copy, tinyFormat);
      const {rows} = await again.stats();
      // What comes next finds a clean end.
      if (rows === 2) expect(statSync(segment).size).to.equal(acknowledged);
      await again.append(batchOf(tinyFormat, {from: 22, n: 1}));
      await again.close();
      const third = await openFolder(copy, tinyFormat);
      expect((await third.stats()).rows).to.equal(rows + 1);
      await third.close();
      return rows;
    };
    const damage = async (change: (bytes: Buffer, acknowledged: number) => Buffer): Promise<string> =>
      (await refusal(() => rowsAfter(change))).message;
    const zeros = (bytes: Buffer, from: number, to = bytes.length): Buffer =>
      Buffer.from(bytes).fill(0, from, to);

    for (const [name, change] of [
      ['nothing but zeros', (bytes, at) => zeros(bytes, at)],
      ['a few zeros', (bytes, at) => zeros(bytes, at).subarray(0, at + 5)],
      ['zeros in place of its last sectors', bytes => zeros(bytes, 1024)],
      ['zeros in place of a sector within', bytes => zeros(bytes, 1024, 1536)],
      ['zeros in place of its first sector alone', (bytes, at) => zeros(bytes, at, 512)],
      ['zeros behind them', (bytes, at) => Buffer.concat([zeros(bytes, at, at + 300), Buffer.alloc(4096)])],
    ] as [string, (bytes: Buffer, acknowledged: number) => Buffer][])
      it(`${name} of a batch under way are cut off, and what was acknowledged is there`, async () => {
        expect(await rowsAfter(change)).to.equal(2);
      });

    it('zeros behind a whole batch are cut off alone', async () => {
      expect(await rowsAfter(bytes => Buffer.concat([bytes, Buffer.alloc(1000)]))).to.equal(22);
    });

    for (const [name, change] of [
      ['a whole one', (bytes, at) => zeros(bytes, 32, at)],
      ['one that was never finished', (bytes, at) => zeros(bytes, 32, at).subarray(0, at + 40)],
    ] as [string, (bytes: Buffer, acknowledged: number) => Buffer][])
      it(`a batch that another follows was acknowledged, and zeros within it are damage: ${name}`, async () => {
        expect(await damage(change)).to.include('damaged at byte 32');
      });

    it('so are bytes that changed, where no sector is zeros', async () => {
      const message = await damage((bytes, at) => {
        bytes[at + 100] ^= 1;
        return bytes;
      });
      expect(message).to.include('checksum');
    });

    it('and bytes that changed beside zeros of rows, which explain nothing', async () => {
      await open();
      const zeroRows = batchOf(tinyFormat, {n: 20});
      await store?.append({...zeroRows, keys: zeroRows.keys.fill(0), values: zeroRows.values.fill(0)});
      const [rows, end] = [32, statSync(segments()[0]).size];
      await store?.append(batchOf(tinyFormat, {from: 20, n: 20, seed: 5}));
      for (const [name, at, changed, behind] of [
        ['magic', rows, end, 0],
        ['layer', rows + 4, end, 0],
        ['sum', rows + 27, end, 0],
        ['zeros-of-the-next', end + 100, undefined, 4096],
      ] as const) {
        const copy = copyOf(name);
        const segment = join(copy, 'rows-00000001.segment');
        const bytes = readFileSync(segment);
        bytes[at] ^= 1;
        writeFileSync(segment, Buffer.concat([bytes.subarray(0, changed), Buffer.alloc(behind)]));
        const {message} = await refusal(() => openFolder(copy, tinyFormat));
        expect(message, name).to.include(`damaged at byte ${changed === undefined ? end : rows}`);
      }
    });

    it('and zeros in what the store is known to have had', async () => {
      await open();
      await store?.append(batchOf(tinyFormat, {n: 20}));
      await store?.close();
      const bytes = readFileSync(segments()[0]);
      writeFileSync(segments()[0], zeros(bytes, 32));
      expect((await refusal(() => open())).message).to.include('damaged at byte 32');
    });
  });

  it('refuses a file that lost its end after the store was closed, or any other byte', async () => {
    await open();
    await store?.append(batchOf(tinyFormat, {n: 2}));
    await store?.append(batchOf(tinyFormat, {from: 2, n: 2}));
    await store?.close();
    const [segment] = segments();
    const bytes = readFileSync(segment);
    truncateSync(segment, bytes.length - 1);
    expect((await refusal(() => open())).message)
      .to.include('is damaged')
      .and.include('bytes');
    for (let at = 0; at < bytes.length; at += 7) {
      const changed = Buffer.from(bytes);
      changed[at] ^= 0x40;
      writeFileSync(segment, changed);
      const {reason, message} = await refusal(() => open());
      expect(reason, `byte ${at}`).to.equal('damaged');
      expect(message).to.include(segment);
    }
    writeFileSync(segment, bytes);
    expect((await (await open()).stats()).rows).to.equal(4);
  });

  it('nothing of what was forgotten is left in any file, names included', async () => {
    await open({segmentBytes: 4000});
    const secret = 'a very secret name';
    const marked = (stream: string, from: number) => ({
      ...batchOf(tinyFormat, {stream, from, n: 8}),
      keys: new Float32Array(8 * 16).fill(0.123_456_78),
      values: new Float32Array(8 * 16).fill(-98_765.43),
    });
    for (let from = 0; from < 80; from += 8) {
      await store?.append(marked(secret, from));
      await store?.append(batchOf(tinyFormat, {stream: 'public', from, n: 8, seed: from}));
    }
    const traces = [
      Buffer.from(secret),
      Buffer.from(Float32Array.of(0.123_456_78).buffer),
      Buffer.from(Float32Array.of(-98_765.43).buffer),
    ];
    const found = (): boolean[] =>
      traces.map(trace => readdirSync(folder).some(name => readFileSync(join(folder, name)).includes(trace)));
    expect(found()).to.deep.equal([true, true, true]);
    await store?.forget({streams: [secret], before: 40});
    expect(found()).to.deep.equal([true, true, true]);
    const files = segments();
    expect(await store?.forget({streams: [secret]})).to.equal(40);
    expect(found()).to.deep.equal([false, false, false]);
    expect(segments()).to.not.deep.equal(files);
    expect(
      (await contents(await reopened())).map(({stream, positions}) => [stream, positions.length]),
    ).to.deep.equal([['public', 80]]);
  });

  const reopened = async (): Promise<MemoryStore> => {
    await store?.close();
    return open();
  };

  it('forgets where nothing else was stored, and begins anew in the same folder', async () => {
    await open();
    await store?.append(batchOf(tinyFormat));
    await store?.forget({streams: 'all'});
    expect(segments()).to.deep.equal([]);
    await store?.append(batchOf(tinyFormat, {seed: 4}));
    expect(await contents(await reopened())).to.deep.equal([batchOf(tinyFormat, {seed: 4})]);
  });

  it('rows that a quota drove out do not fill the disk', async () => {
    const format: MemoryFormat = {...tinyFormat, groups: 1, width: 2, precision: 'f16'};
    await open({quota: 100, segmentBytes: 1 << 14}, format);
    for (let i = 0; i < 100; i++) await store?.append(batchOf(format, {from: 200 * i, n: 200, seed: i}));
    const before = await contents(store as MemoryStore);
    await store?.close();
    const bytes = segments().reduce((sum, file) => sum + statSync(file).size, 0);
    // 20,000 rows of 20 bytes were written; at most the quota, the slack and what came since the last rewriting remain.
    expect(bytes).to.be.below(240_000);
    expect(await contents(await open({quota: 100}, format))).to.deep.equal(before);
  });

  it('nor do those that many processes drove out, a few each', async () => {
    const format: MemoryFormat = {...tinyFormat, groups: 1, width: 2, precision: 'f16'};
    for (let i = 0; i < 12; i++) {
      const one = await openFolder(folder, format, {quota: 100});
      for (const from of [0, 500])
        await one.append(batchOf(format, {from: 1000 * i + from, n: 500, seed: i}));
      await one.close();
    }
    const bytes = segments().reduce((sum, file) => sum + statSync(file).size, 0);
    // Twice the quota, the slack, and what the last process wrote: 5,300 of 12,000 rows of 20 bytes.
    expect(bytes).to.be.below(120_000);
  });

  it('what a quota drove out of a range is gone from the files once the range is forgotten', async () => {
    await open({quota: 4});
    const secret = Float32Array.of(0.123_456_78);
    const first = batchOf(tinyFormat, {n: 4});
    await store?.append({...first, innovations: new Float32Array(4), keys: first.keys.fill(secret[0])});
    const second = batchOf(tinyFormat, {from: 4, n: 4});
    await store?.append({...second, innovations: new Float32Array(4).fill(1)});
    const isThere = (): boolean =>
      segments().some(file => readFileSync(file).includes(Buffer.from(secret.buffer)));
    expect(isThere()).to.equal(true);
    expect(await store?.forget({streams: []})).to.equal(0);
    expect(await store?.forget({streams: ['a'], before: 4})).to.equal(0);
    expect(isThere()).to.equal(false);
    expect((await (await reopened()).stats()).rows).to.equal(4);
  });

  it('has one writer', async () => {
    await open();
    const {reason, message} = await refusal(() => openFolder(folder, tinyFormat));
    expect(reason).to.equal('busy');
    expect(message).to.include(`process ${process.pid}`);
  });

  it('keeps its files from other users', async () => {
    await open({segmentBytes: 1000});
    for (const from of [0, 16, 32]) await store?.append(batchOf(tinyFormat, {from}));
    await store?.forget({streams: ['a'], before: 2});
    const modes = readdirSync(folder)
      .filter(name => name !== 'lock.json')
      .map(name => statSync(join(folder, name)).mode & 0o777);
    expect(new Set(modes)).to.deep.equal(new Set([0o600]));
    expect(statSync(folder).mode & 0o777).to.equal(0o700);
  });

  it('keeps a folder that was there from other users, too', async () => {
    mkdirSync(folder, {mode: 0o755});
    await open();
    expect(statSync(folder).mode & 0o777).to.equal(0o700);
  });

  it('refuses links, and folders of other things', async () => {
    await open();
    await store?.append(batchOf(tinyFormat));
    await store?.close();
    const [segment] = segments();
    for (const path of [segment, join(folder, 'memory.json'), folder]) {
      const aside = `${path}.aside`;
      renameSync(path, aside);
      symlinkSync(aside, path);
      const {reason, message} = await refusal(() => open());
      expect(reason, path).to.equal('damaged');
      expect(message).to.include('is a link');
      rmSync(path);
      renameSync(aside, path);
    }
    const other = join(parent, 'other');
    mkdirSync(other);
    writeFileSync(join(other, 'letter.txt'), 'dear');
    expect((await refusal(() => openFolder(other, tinyFormat))).reason).to.equal('argument');
    expect(readdirSync(other)).to.deep.equal(['letter.txt']);
    expect((await refusal(() => openFolder(join(parent, 'none'), undefined))).reason).to.equal('unavailable');
  });

  it('an update that the system refuses is taken back, and the next one succeeds', async () => {
    await open({segmentBytes: 100});
    await store?.append(batchOf(tinyFormat));
    const inTheWay = join(folder, 'rows-00000002.segment');
    mkdirSync(inTheWay);
    const {reason, message} = await refusal(() => store?.append(batchOf(tinyFormat, {from: 16})));
    expect(reason).to.equal('unavailable');
    expect(message).to.include('EEXIST').and.include(inTheWay);
    expect((await store?.stats())?.rows).to.equal(16);
    rmdirSync(inTheWay);
    await store?.append(batchOf(tinyFormat, {from: 16}));
    expect((await (await reopened()).stats()).rows).to.equal(32);
  });

  it('in a folder whose mode is not to be changed is not opened, and not locked', async () => {
    await open();
    await store?.close();
    const {chmodSync} = fs;
    fs.chmodSync = () => {
      throw Object.assign(new Error('EPERM: operation not permitted'), {code: 'EPERM'});
    };
    syncBuiltinESMExports();
    try {
      expect((await refusal(open)).reason).to.equal('unavailable');
    } finally {
      fs.chmodSync = chmodSync;
      syncBuiltinESMExports();
    }
    expect(readdirSync(folder)).to.deep.equal(['memory.json']);
  });

  it('an update that does not reach the disk is cut off again', async () => {
    await open();
    await store?.append(batchOf(tinyFormat));
    const handle = await fs.promises.open(segments()[0]);
    const handles = Object.getPrototypeOf(handle);
    await handle.close();
    const {datasync} = handles;
    handles.datasync = async () => {
      handles.datasync = datasync;
      throw Object.assign(new Error('ENOSPC: no space left on device'), {code: 'ENOSPC'});
    };
    try {
      expect((await refusal(() => store?.append(batchOf(tinyFormat, {from: 16})))).reason).to.equal('full');
    } finally {
      handles.datasync = datasync;
    }
    expect((await (await reopened()).stats()).rows).to.equal(16);
    await store?.append(batchOf(tinyFormat, {from: 16}));
    expect((await (await reopened()).stats()).rows).to.equal(32);
  });

  describe('where the system fails behind the one step that a change is', () => {
    const real = {rmSync: fs.rmSync, fsyncSync: fs.fsyncSync};
    const failure = Object.assign(new Error('EIO: i/o error'), {code: 'EIO'});
    const fail = (functions: Partial<typeof real>): void => {
      Object.assign(fs, functions);
      syncBuiltinESMExports();
    };
    afterEach(() => fail(real));

    /** The rows of every file as a killed process leaves them, and as this one does. */
    const rowsAfter = async (): Promise<number[]> => {
      const killed = await openFolder(copyOf('killed'), undefined);
      const own = await reopened();
      const rows = [(await killed.stats()).rows, (await own.stats()).rows];
      await killed.close();
      return rows;
    };

    it('no file of the store is removed, and nothing more is accepted that would be lost', async () => {
      await open();
      await store?.append(batchOf(tinyFormat, {n: 8}));
      fail({
        rmSync: (path, options) => {
          if (String(path).endsWith('.segment')) throw failure;
          real.rmSync(path, options);
        },
      });
      const {reason, message} = await refusal(() => store?.forget({streams: ['a'], before: 2}));
      expect([reason, message]).to.deep.equal(['unavailable', `${folder}: EIO: i/o error`]);
      fail(real);
      expect((await refusal(() => store?.append(batchOf(tinyFormat, {from: 8})))).message).to.include(
        'close the store and open it again',
      );
      expect(await rowsAfter()).to.deep.equal([6, 6]);
      expect(segments()).to.have.length(1);
    });

    it('a disk that is full there does not say that nothing was done', async () => {
      await open();
      await store?.append(batchOf(tinyFormat, {n: 8}));
      const {ino} = statSync(join(folder, 'memory.json'));
      fail({
        fsyncSync: handle => {
          if (fs.fstatSync(handle).isDirectory() && statSync(join(folder, 'memory.json')).ino !== ino)
            throw Object.assign(new Error('ENOSPC: no space left on device'), {code: 'ENOSPC'});
          real.fsyncSync(handle);
        },
      });
      const {reason, message} = await refusal(() => store?.forget({streams: ['a'], before: 2}));
      expect(reason).to.equal('full');
      expect(message).to.include('may be there or not').and.not.include('nothing is forgotten');
      fail(real);
      expect(await rowsAfter()).to.deep.equal([6, 6]);
    });

    for (const [name, change] of [
      ['a new segment', () => store?.append(batchOf(tinyFormat, {from: 8}))],
      ['segments without what is forgotten', () => store?.forget({streams: ['a'], before: 2})],
    ] as const)
      it(`${name}: the files of both lists stay until one of them is read`, async () => {
        await open({segmentBytes: 100});
        await store?.append(batchOf(tinyFormat, {n: 8}));
        // Of the folder, once memory.json is the new one.
        const {ino} = statSync(join(folder, 'memory.json'));
        fail({
          fsyncSync: handle => {
            if (fs.fstatSync(handle).isDirectory() && statSync(join(folder, 'memory.json')).ino !== ino)
              throw failure;
            real.fsyncSync(handle);
          },
        });
        expect((await refusal(change)).reason).to.equal('unavailable');
        fail(real);
        expect((await refusal(change)).message).to.include('close the store and open it again');
        expect(await rowsAfter()).to.deep.equal(name === 'a new segment' ? [8, 8] : [6, 6]);
      });
  });
});
