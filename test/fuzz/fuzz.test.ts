// A short run of the fuzz suite, and the law that every reader is in its table.

import {readdirSync, readFileSync} from 'node:fs';
import {join, relative} from 'node:path';
import {Worker} from 'node:worker_threads';
import {expect} from 'chai';
import {noReaders, readers} from './readers.js';
import {runSuite} from './suite.js';
import {hungCase} from './watch.js';

const root = join(import.meta.dirname, '../../..');
const FOLDERS = [
  'cli',
  'config',
  'custom-ops',
  'data',
  'errors',
  'eval',
  'experiments',
  'formats',
  'layers',
  'memory',
  'models',
  'plot',
  'train',
];
/** What reads files, or takes bytes or text of others apart. */
const READING =
  /\b(readFileSync|readFile|openSync|createReadStream|readTextFile|readJsonFile|decodeSafetensors|decodeSealed|unsealJson|parseJson)\(|\bJSON\.parse\(/;

function readingFiles(): string[] {
  return FOLDERS.flatMap(folder =>
    readdirSync(join(root, folder), {recursive: true, withFileTypes: true})
      .filter(entry => entry.isFile() && /\.ts$/.test(entry.name) && !entry.name.includes('.generated.'))
      .map(entry => relative(root, join(entry.parentPath, entry.name)).replaceAll('\\', '/')),
  ).filter(file => READING.test(readFileSync(join(root, file), 'utf8')));
}

describe('fuzzing', () => {
  it('knows every reader: each source that reads is in the table, or said to be none', () => {
    const known = new Set([...readers.flatMap(({covers}) => covers), ...Object.keys(noReaders)]);
    expect(
      readingFiles().filter(file => !known.has(file)),
      'sources that read and are not in test/fuzz/readers.ts',
    ).to.deep.equal([]);
    const all = readingFiles();
    expect(
      Object.keys(noReaders).filter(file => !all.includes(file)),
      'no longer reading',
    ).to.deep.equal([]);
  });

  it('a case that computes or waits for ever is named, and one that goes on is not', async () => {
    const patience = {computing: 0.5, waiting: 2};
    const ended = (body: string): Promise<number | undefined> => {
      const at = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
      const code = `const at = require('node:worker_threads').workerData; Atomics.store(at, 0, 7); ${body}`;
      return hungCase(new Worker(code, {eval: true, workerData: at}), at, patience);
    };
    expect(await ended('for (;;) {}')).to.equal(7);
    expect(await ended('setInterval(() => {}, 1000)')).to.equal(7);
    expect(
      await ended('for (const end = Date.now() + 1200; Date.now() < end; ) Atomics.add(at, 0, 1);'),
    ).to.equal(undefined);
    expect(await ended('')).to.equal(undefined);
  });

  it('2,000 cases: no crash, no untyped error, nothing accepted in silence, no hang', async function () {
    this.timeout(300_000);
    expect(await runSuite({cases: 2000, seed: 20})).to.deep.equal([]);
  });
});
