// Node without the package tokenizers: said once, with the remedy, and then as in browsers.

import {execFile} from 'node:child_process';
import {mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {promisify} from 'node:util';
import {expect} from 'chai';

const trials = join(import.meta.dirname, '../../../test/trials');
const data = new URL('../../data/index.js', import.meta.url).href;

const HIDE = `
const Module = require('node:module');
const resolve = Module._resolveFilename;
Module._resolveFilename = (name, ...more) => {
  if (name === 'tokenizers') throw new Error("Cannot find module 'tokenizers'");
  return resolve(name, ...more);
};
`;

const SCRIPT = `
import {readFileSync} from 'node:fs';
const {tokenizerFromJSON} = await import(${JSON.stringify(data)});
const open = name => tokenizerFromJSON(JSON.parse(readFileSync(${JSON.stringify(trials)} + '/' + name + '.tokenizer.json', 'utf8')));
console.log([...open('whitespace-words').encode('caf\\u00e9 M\\u00fcller')].join());
console.log([...open('digits-not-ascii').encode('4  \\u00bd')].join());
try { open('split-contiguous'); } catch (error) { console.log(error.name, error.message); }
`;

describe('tokenizers without the reference implementation', () => {
  it('one warning with the remedy, the same ids, and refusals by name', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-absent-'));
    try {
      writeFileSync(join(folder, 'hide.cjs'), HIDE);
      writeFileSync(join(folder, 'script.mjs'), SCRIPT);
      const {stdout, stderr} = await promisify(execFile)(process.execPath, [
        '--require',
        join(folder, 'hide.cjs'),
        join(folder, 'script.mjs'),
      ]);
      expect(stderr.trim().split('\n')).to.have.lengthOf(1);
      expect(stderr).to.include('npm install tokenizers@');
      expect(stdout.split('\n').slice(0, 2)).to.deep.equal(['1,4', '19,256,126,121']);
      expect(stdout).to.include('TokenizerError pre-tokenizer Split with behavior "Contiguous"');
    } finally {
      rmSync(folder, {recursive: true});
    }
  });
});
