// bmojo memory: what it shows of a memory, and what it removes.

import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {withOpened} from '../../cli/opened-memory.js';
import {memoryInProcess, openMemory} from '../../memory/index.js';
import type {MemoryStore} from '../../memory/store.js';
import {batchOf, tinyFormat} from '../memory/rows.js';
import {bmojo} from '../support/command.js';

describe('bmojo memory', () => {
  let parent: string;
  let folder: string;
  const withStore = async <T>(work: (store: MemoryStore) => Promise<T>): Promise<T> => {
    const store = await openMemory(folder, {format: tinyFormat});
    try {
      return await work(store);
    } finally {
      await store.close();
    }
  };
  const memory = (...args: string[]) => bmojo(['memory', ...args]);
  before(async () => {
    parent = mkdtempSync(join(tmpdir(), 'bmojo-memory-cli-'));
    folder = join(parent, 'memory');
    await withStore(async store => {
      await store.append(batchOf(tinyFormat, {stream: 'chat', from: 3, n: 20}));
      await store.append(batchOf(tinyFormat, {stream: 'two\nlines', layer: 3, seed: 2}));
    });
  });
  after(() => rmSync(parent, {recursive: true}));

  it('a command says what failed first, whatever closing the memory says then', async () => {
    for (const [fails, told] of [
      [['work', 'close'], 'work failed'],
      [['close'], 'close failed'],
      [[], 'done'],
    ] as const) {
      const store = memoryInProcess(tinyFormat);
      let closed = 0;
      const refuse = (what: 'work' | 'close'): void => {
        if (fails.some(one => one === what)) throw new Error(`${what} failed`);
      };
      store.close = async () => {
        closed++;
        refuse('close');
      };
      const ended = withOpened(store, async () => {
        refuse('work');
        return 'done';
      });
      expect(await ended.catch((error: unknown) => String(error))).to.match(new RegExp(`${told}$`));
      expect(closed).to.equal(1);
    }
  });

  it('stats says what is held', async () => {
    const {code, out} = await memory('stats', '--memory', folder);
    expect(code).to.equal(0);
    expect(out).to.include('model "tiny", layers 1, 3; a row: keys and values of 2 x 8 in f32');
    expect(out)
      .to.match(/"chat" +1 +20 +3-22/)
      .and.include('"two\\nlines"')
      .and.include('36 rows');
    const page = readFileSync(join(import.meta.dirname, '../../../docs/json.md'), 'utf8');
    const row = page.split('\n').find(line => line.startsWith('| `memory stats`')) ?? '';
    const fields = [...(row.split('|').at(-2) ?? '').matchAll(/`(\w+)`/g)].map(([, name]) => name);
    const json = JSON.parse((await memory('stats', '--memory', folder, '--json')).out);
    expect(json).to.deep.equal(await withStore(store => store.stats()));
    expect([...Object.keys(json), ...Object.keys(json.parts[0])]).to.include.members(fields);
    expect(fields).to.have.length.above(8);
  });

  it('search finds what came before a row, best first', async () => {
    const args = ['search', '--memory', folder, '--stream', 'chat', '--layer', '1'];
    const {code, out} = await memory(...args, '--like', '12', '--count', '3');
    expect(code).to.equal(0);
    const key = batchOf(tinyFormat, {stream: 'chat', from: 3, n: 20}).keys.slice(9 * 16, 10 * 16);
    const found = await withStore(store =>
      store.search({stream: 'chat', layer: 1, queries: key, count: 3, before: Int32Array.of(12)}),
    );
    const rows = out
      .trim()
      .split('\n')
      .map(line => line.trim().split(/\s+/));
    const positions = rows.filter(([head]) => /^[01]$/.test(head)).map(([, position]) => Number(position));
    expect(positions).to.deep.equal([...found.positions]);
    const absent = await memory(...args, '--like', '2');
    expect(absent.code).to.equal(2);
    expect(absent.err).to.include('no row is stored at that position');
  });

  it('export, import into another memory, forget', async () => {
    const copy = join(parent, 'copy');
    const out = join(parent, 'out');
    expect((await memory('export', '--memory', folder, '--stream', 'chat', '--out', out)).out).to.include(
      '20 rows',
    );
    expect((await memory('import', out, '--memory', copy)).out).to.include('20 rows imported');
    const twice = await memory('import', out, '--memory', copy);
    expect([twice.code, twice.err]).to.deep.equal([
      2,
      'bmojo: the store holds "chat" in layer 1 already; forget it there first, or export less\n',
    ]);
    expect((await memory('forget', '--memory', copy)).err).to.include(
      'either --stream NAME, once or more, or --all',
    );
    expect((await memory('forget', '--memory', copy, '--stream', 'chat', '--before', '5')).out).to.equal(
      'forgot 2 rows\n',
    );
    expect((await memory('forget', '--memory', copy, '--all', '--innovation-below', '9')).out).to.equal(
      'forgot 18 rows\n',
    );
    expect((await memory('stats', '--memory', copy)).out).to.include('0 rows');
  });

  it('refuses in one line what is no memory', async () => {
    for (const place of [join(parent, 'none'), parent]) {
      const {code, err} = await memory('stats', '--memory', place);
      expect(code).to.equal(1);
      expect(err).to.match(/^bmojo: .* holds no memory: it has no memory\.json\n$/);
    }
    expect((await memory('stats', '--memory', 'ftp://x')).err).to.include(
      'name a folder, pglite:FOLDER or postgres://',
    );
    expect((await memory('stats')).err).to.include('memory');
  });
});

describe('bmojo bench memory', () => {
  it('measures each store at each size, and leaves its numbers', async () => {
    const out = mkdtempSync(join(tmpdir(), 'bmojo-bench-memory-out-'));
    const args = [
      'bench',
      'memory',
      '--places',
      'process,folder',
      '--rows',
      '10,300',
      '--repeats',
      '3',
      '--out',
      out,
    ];
    const {code, out: words, err} = await bmojo(args);
    expect(code, err).to.equal(0);
    const {timings} = JSON.parse(readFileSync(join(out, 'memory.json'), 'utf8'));
    expect(timings.map(({place, rows}: {place: string; rows: number}) => `${place} ${rows}`)).to.deep.equal([
      'process 10',
      'process 300',
      'folder 10',
      'folder 300',
    ]);
    expect(words).to.include('search p50, ms');
    const decode = [
      'bench',
      'memory',
      '--decode',
      '--places',
      'process',
      '--rows',
      '10,300',
      '--window',
      '4',
    ];
    const decoded = await bmojo([...decode, '--width', '8', '--repeats', '9', '--out', out, '--json']);
    expect(decoded.code, decoded.err).to.equal(0);
    const tokens: {place: string; rows: number; tokenMs: {p50: number; p99: number}}[] = JSON.parse(
      decoded.out,
    ).timings;
    expect(tokens.map(({place, rows}) => `${place} ${rows}`)).to.deep.equal([
      'none 0',
      'process 10',
      'process 300',
    ]);
    for (const {tokenMs} of tokens) expect(tokenMs.p99).to.be.at.least(tokenMs.p50).and.above(0);
    rmSync(out, {recursive: true});
    expect((await bmojo(['bench', 'memory', '--rows', '5,5'])).err).to.include(
      '--rows: the values must differ',
    );
    expect((await bmojo(['bench', 'memory', '--places', 'cloud'])).err).to.include(
      "--places: unknown 'cloud'; known: process",
    );
  });
});
