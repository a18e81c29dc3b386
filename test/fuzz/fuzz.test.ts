// A short run of the fuzz suite, and the law that every reader is in its table.

import {readdirSync, readFileSync} from 'node:fs';
import {join, relative} from 'node:path';
import {expect} from 'chai';
import {noReaders, readers} from './readers.js';
import {runSuite} from './suite.js';

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

  it('2,000 cases: no crash, no untyped error, nothing accepted in silence, no hang', async function () {
    this.timeout(300_000);
    expect(await runSuite({cases: 2000, seed: 20})).to.deep.equal([]);
  });
});
