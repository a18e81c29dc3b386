// The package as it is packed, in new projects: plain Node, and Vite with React in StrictMode. Packages come from npm's registry.

import {execFile, spawn} from 'node:child_process';
import {existsSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync} from 'node:fs';
import {createServer} from 'node:net';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import type {Page} from 'playwright-core';
import {chromium} from 'playwright-core';
import {LONGEST_WAIT} from '../demo/site.js';
import {chromiumFlags, chromiumOrSkip, removeProfile} from '../support/browser.js';

const root = join(import.meta.dirname, '../../..');

interface Ended {
  readonly code: number;
  /** Standard output and errors. */
  readonly said: string;
}

function run(program: string, args: readonly string[], cwd: string): Promise<Ended> {
  return new Promise(resolve => {
    execFile(program, args, {cwd, maxBuffer: 1 << 26}, (error, stdout, stderr) => {
      const code = error === null ? 0 : typeof error.code === 'number' ? error.code : -1;
      resolve({code, said: `${stdout}${stderr}`});
    });
  });
}

async function runWell(program: string, args: readonly string[], cwd: string): Promise<string> {
  const {code, said} = await run(program, args, cwd);
  expect(code, `${program} ${args.join(' ')}: ${said}`).to.equal(0);
  return said;
}

interface Installed {
  readonly packages: Readonly<Record<string, {hasInstallScript?: boolean; version: string}>>;
}

describe('the packed package', () => {
  let folder: string;
  let archive: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-packed-'));
    await runWell(process.execPath, ['scripts/write-sbom.mjs'], root);
    const packed = await runWell(
      'npm',
      ['pack', '--ignore-scripts', '--json', '--pack-destination', folder],
      root,
    );
    archive = join(folder, JSON.parse(packed.slice(packed.indexOf('[')))[0].filename);
  });
  after(() => removeProfile(folder));

  function project(name: string, manifest: object): string {
    const path = join(folder, name);
    mkdirSync(path);
    writeFileSync(
      join(path, 'package.json'),
      JSON.stringify({name, private: true, type: 'module', ...manifest}),
    );
    return path;
  }

  describe('in a project of Node', () => {
    let at: string;
    let installing: string;
    before(async () => {
      at = project('plain', {});
      installing = await runWell(
        'npm',
        ['install', '--foreground-scripts', '--no-audit', '--no-fund', archive],
        at,
      );
    });

    const installed = (): Installed =>
      JSON.parse(readFileSync(join(at, 'node_modules/.package-lock.json'), 'utf8'));

    it('brings one TensorFlow.js and runs no script but the notice of one of its packages', () => {
      const {packages} = installed();
      const names = Object.keys(packages);
      expect(names.filter(name => packages[name].hasInstallScript)).to.deep.equal(['node_modules/core-js']);
      expect(
        installing.match(/^> .*$/gm)?.filter(line => !line.includes('core-js') && /@/.test(line)) ?? [],
      ).to.deep.equal([]);
      expect(names.filter(name => /tfjs-core$/.test(name))).to.deep.equal([
        'node_modules/@tensorflow/tfjs-core',
      ]);
      expect(names.filter(name => name.includes('tfjs-node'))).to.deep.equal([]);
    });

    it('lists what it brings, and what the setup would, in sbom.json', () => {
      const purls = (path: string): string[] =>
        JSON.parse(readFileSync(join(at, 'node_modules/bmojo', path), 'utf8')).components.map(
          ({purl}: {purl: string}) => purl.replace('%40', '@'),
        );
      expect(purls('sbom.json'))
        .to.include('pkg:npm/@tensorflow/tfjs-core@4.22.0')
        .and.satisfy((all: string[]) => all.every(purl => !purl.includes('tfjs-node')));
      expect(purls('scripts/setup-tensorflow/sbom.json')).to.include(
        'pkg:npm/@tensorflow/tfjs-node-gpu@4.22.0',
      );
    });

    it('trains from the command line and in code', async () => {
      const small =
        '--length 16 --pairs 2 --vocab-size 16 --d-model 8 --layers 1 --heads 1 --batch 4 --steps 2';
      const args = ['bmojo', 'train', 'mqar', ...small.split(' '), '--backend', 'wasm', '--out', 'run'];
      await runWell('npx', args, at);
      expect(existsSync(join(at, 'run/result.json'))).to.equal(true);
      writeFileSync(
        join(at, 'one.js'),
        `import * as tf from '@tensorflow/tfjs';
        import {RMSNorm, useBackend} from 'bmojo';
        console.log(await useBackend('wasm'), new RMSNorm().apply(tf.ones([1, 1, 2])).shape.join());`,
      );
      expect(await runWell(process.execPath, ['one.js'], at)).to.equal('wasm 1,1,2\n');
    });

    it('sets up the backend tensorflow, without changing the project', async () => {
      const before = readFileSync(join(at, 'package.json'), 'utf8');
      expect(await runWell('npx', ['bmojo', 'setup', 'tensorflow'], at)).to.include('backend is ready');
      expect(await runWell('npx', ['bmojo', 'setup', 'tensorflow'], at)).to.include('are up to date');
      const {backends} = JSON.parse(await runWell('npx', ['bmojo', 'doctor', '--json'], at)) as {
        backends: {backend: string; usable: boolean; detail: string}[];
      };
      const found = backends.find(({backend}) => backend === 'tensorflow');
      expect(found?.usable, found?.detail).to.equal(true);
      expect(readFileSync(join(at, 'package.json'), 'utf8')).to.equal(before);
      expect(Object.keys(installed().packages).filter(name => name.includes('tfjs-node'))).to.deep.equal([]);
    });
  });

  it('is refused beside another TensorFlow.js, by its name', async () => {
    const at = project('other', {
      dependencies: {'@tensorflow/tfjs-core': '4.21.0', bmojo: `file:${archive}`},
    });
    const {code, said} = await run('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund'], at);
    expect(code).to.not.equal(0);
    expect(said).to.match(
      /ERESOLVE[\s\S]*Found: @tensorflow\/tfjs-core@4\.21\.0[\s\S]*peer @tensorflow\/tfjs[\w-]*@"4\.22\.0" from bmojo/,
    );
  });

  it('runs in a page of Vite and React in StrictMode', async function () {
    const executablePath = chromiumOrSkip(this);
    const at = project('page', {dependencies: {react: '19.3.1', 'react-dom': '19.3.1', vite: '8.4.0'}});
    await runWell('npm', ['install', '--ignore-scripts', '--no-audit', '--no-fund', archive], at);
    writeFileSync(
      join(at, 'index.html'),
      '<!doctype html><div id="root"></div><script type="module" src="/main.js"></script>',
    );
    writeFileSync(join(at, 'main.js'), PAGE);
    const port = String(await freePort());
    const server = spawn(process.execPath, ['node_modules/vite/bin/vite.js', '--port', port], {
      cwd: at,
      env: {...process.env, NODE_ENV: 'development', NO_COLOR: '1'}, // production has no StrictMode
      stdio: ['ignore', 'pipe', 'inherit'],
    });
    try {
      // Another one where somebody has taken that meanwhile.
      const address = await new Promise<string>((resolve, reject) => {
        let printed = '';
        server.stdout.on('data', chunk => {
          printed += chunk;
          const [found] = /http:\/\/localhost:\d+\//.exec(printed) ?? [];
          if (found !== undefined) resolve(found);
        });
        server.on('close', code => reject(new Error(`vite ended with ${code}: ${printed}`)));
      });
      const browser = await chromium.launchPersistentContext(join(at, 'profile'), {
        executablePath,
        headless: true,
        args: chromiumFlags,
        timeout: 0, // however long a loaded machine takes: the test has a bound
      });
      try {
        const page = await browser.newPage();
        page.setDefaultTimeout(LONGEST_WAIT);
        const {words, said} = await wordsOf(page, address);
        expect(words).to.match(/^ready twice: wasm wasm, \d+ characters$/);
        expect(said).to.deep.equal([]);
      } finally {
        await browser.close();
      }
    } finally {
      server.kill();
    }
  });
});

/** What the page says in the end, and what bmojo and the page's errors say on the console. */
async function wordsOf(page: Page, address: string): Promise<{words: string; said: string[]}> {
  const said: string[] = [];
  page.on('console', message => message.text().includes('bmojo') && said.push(message.text()));
  page.on('pageerror', error => said.push(String(error)));
  await page.goto(address);
  const found = page.locator('#said:not(:empty)');
  await found.waitFor();
  return {words: (await found.textContent()) ?? '', said};
}

async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>(resolve => server.listen(0, '127.0.0.1', resolve));
  const address = server.address();
  await new Promise(resolve => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('no port is free');
  return address.port;
}

/** React runs effects twice in StrictMode: both start the backend at once. */
const PAGE = `
import {createElement, StrictMode, useEffect, useState} from 'react';
import {createRoot} from 'react-dom/client';
import {generateText, LanguageModel, useBackend} from 'bmojo';
import {byteTokenizer} from 'bmojo/data';
import plain from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm.wasm?url';
import simd from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-simd.wasm?url';
import threaded from '@tensorflow/tfjs-backend-wasm/dist/tfjs-backend-wasm-threaded-simd.wasm?url';

const wasmPaths = {
  'tfjs-backend-wasm.wasm': plain,
  'tfjs-backend-wasm-simd.wasm': simd,
  'tfjs-backend-wasm-threaded-simd.wasm': threaded,
};
const names = [];

function App() {
  const [said, say] = useState('');
  useEffect(() => {
    (async () => {
      names.push(await useBackend('wasm', {wasmPaths}));
      const model = LanguageModel.create({preset: 'bmojo', vocabSize: 256, dModel: 16, layers: 1, heads: 1, seed: 1});
      let text = '';
      for await (const piece of generateText(model, {tokenizer: byteTokenizer(), prompt: 'Once', maxTokens: 8})) text += piece;
      if (names.length === 2) say('ready twice: ' + names.join(' ') + ', ' + text.length + ' characters');
    })().catch(error => say(String(error)));
  }, []);
  return createElement('p', {id: 'said'}, said);
}

createRoot(document.getElementById('root')).render(createElement(StrictMode, null, createElement(App)));
`;
