// What a bundler makes of the package: no backend that is not used, nothing of Node, and no registration lost.

import {execFile} from 'node:child_process';
import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {basename, join, relative} from 'node:path';
import {pathToFileURL} from 'node:url';
import {promisify} from 'node:util';
import {expect} from 'chai';
import {build} from 'esbuild';
import {readKeptResults} from '../experiments/kept-results.js';

const root = join(import.meta.dirname, '../..');

interface Bundle {
  /** Modules that the page loads at once, by path from the root. */
  readonly modules: string[];
  /** What the entry prints as JSON when it runs. */
  run(): Promise<unknown>;
}

/** Bundles a module for browsers, with what it imports on demand in chunks of their own. */
async function bundle(code: string, folder: string): Promise<Bundle> {
  const {metafile} = await build({
    stdin: {contents: code, resolveDir: root, sourcefile: 'entry.js'},
    bundle: true,
    splitting: true,
    format: 'esm',
    platform: 'browser',
    conditions: ['browser', 'module', 'import', 'default'],
    mainFields: ['browser', 'module', 'main'],
    outdir: folder,
    metafile: true,
    logLevel: 'error',
    absWorkingDir: root,
  });
  const outputs = Object.entries(metafile.outputs);
  const loaded = new Set<string>();
  const load = (path: string): void => {
    if (loaded.has(path)) return;
    loaded.add(path);
    for (const {path: next, kind, external} of metafile.outputs[path].imports)
      if (kind !== 'dynamic-import' && !external) load(next);
  };
  const [entry] = outputs.find(([, {entryPoint}]) => entryPoint?.endsWith('entry.js')) ?? [''];
  load(entry);
  return {
    modules: [...loaded].flatMap(path =>
      Object.entries(metafile.outputs[path].inputs)
        .filter(([, {bytesInOutput}]) => bytesInOutput > 0)
        .map(([input]) => input),
    ),
    run: async () => {
      // A page's surroundings, as far as tfjs looks at them.
      const page = `delete globalThis.process; globalThis.WorkerGlobalScope = class {}; await import('./${basename(entry)}');`;
      writeFileSync(join(folder, 'page.mjs'), page);
      writeFileSync(join(folder, 'package.json'), '{"type": "module"}');
      const {stdout} = await promisify(execFile)(process.execPath, [join(folder, 'page.mjs')]);
      return JSON.parse(stdout.trim().split('\n').at(-1) ?? '');
    },
  };
}

const unwanted =
  /webgpu|wasm|dawn|tensorflow\/(addon|recording|program)|backend-webgl|custom-ops\/registry|node:/;

describe('bundles for browsers', function () {
  this.timeout(300_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-bundle-'));
  });
  afterEach(() => rmSync(folder, {recursive: true, force: true}));

  it("of one op carry that op, no backend, nothing of Node, and tf's gradients", async () => {
    const made = await bundle(
      `import '@tensorflow/tfjs-backend-cpu';
      import {grad, ones, sum} from '@tensorflow/tfjs-core';
      import {linear} from 'bmojo/ops';
      const slope = grad(x => sum(linear(x, ones([3, 4]))))(ones([1, 2, 3]));
      console.log(JSON.stringify([...slope.dataSync()]));`,
      folder,
    );
    expect(made.modules.filter(path => unwanted.test(path))).to.deep.equal([]);
    const ops = new Set(
      made.modules.flatMap(path => /dist\/custom-ops\/([\w-]+)\/definition\.js$/.exec(path)?.[1] ?? []),
    );
    expect([...ops]).to.deep.equal(['linear']);
    expect(await made.run()).to.deep.equal([4, 4, 4, 4, 4, 4]);
  });

  it('of one layer carry no backend and nothing of Node', async () => {
    const made = await bundle(
      `import '@tensorflow/tfjs-backend-cpu';
      import {ones} from '@tensorflow/tfjs-core';
      import {RMSNorm} from 'bmojo';
      console.log(JSON.stringify([...new RMSNorm().apply(ones([1, 1, 2])).dataSync()].map(Math.round)));`,
      folder,
    );
    expect(made.modules.filter(path => unwanted.test(path))).to.deep.equal([]);
    expect(await made.run()).to.deep.equal([1, 1]);
  });

  it('of nothing by name still know every layer that a saved model may hold', async () => {
    const made = await bundle(
      `import {serialization} from '@tensorflow/tfjs-core';
      import 'bmojo';
      console.log(JSON.stringify(Object.keys(serialization.SerializationMap.getMap().classNameMap)));`,
      folder,
    );
    const registered = readdirSync(join(root, 'layers'))
      .filter(file => file.endsWith('.ts'))
      .map(file => readFileSync(join(root, 'layers', file), 'utf8'))
      .filter(text => text.includes('registerClass('))
      .flatMap(text => [...text.matchAll(/className = '(\w+)'/g)].map(match => match[1]));
    expect(registered.length).to.be.greaterThan(5);
    expect(await made.run()).to.include.members(registered);
  });
});

describe('sizes of bundles', () => {
  it('are those that documents quote, within 5 %', async function () {
    this.timeout(300_000);
    const {bundleSizes} = (await import(pathToFileURL(join(root, 'bench/bundle-sizes.mjs')).href)) as {
      bundleSizes(): Promise<Record<string, Record<string, number>>>;
    };
    const kept = readKeptResults(join(root, 'experiments/results')).find(({name}) => name === 'bundle-sizes');
    const [head, ...rows] = kept?.tables[0].rows ?? [];
    const measured = await bundleSizes();
    expect(rows.map(([page]) => page)).to.deep.equal(Object.keys(measured));
    for (const [page, ...cells] of rows)
      for (const [i, cell] of cells.entries()) {
        const bytes = measured[page][head[i + 1]];
        expect(bytes / 1000, `${page} ${head[i + 1]}`).to.be.closeTo(Number(cell), 0.05 * Number(cell));
        expect(bytes, 'more than a page should load').to.be.below(500_000);
      }
  });
});

describe('what a page may say', function () {
  this.timeout(300_000);

  it('speaks neither of commands nor of packages to install', async () => {
    const subpaths = ['', '/ops', '/config', '/data', '/formats', '/eval', '/train'];
    const {outputFiles} = await build({
      stdin: {
        contents: subpaths.map((path, i) => `export * as all${i} from 'bmojo${path}';`).join('\n'),
        resolveDir: root,
      },
      bundle: true,
      splitting: true,
      write: false,
      outdir: join(root, 'dist'),
      format: 'esm',
      platform: 'browser',
      external: ['@tensorflow/*', '@huggingface/*', '@noble/*'],
      // Without comments, and without what is said in Node alone.
      minifyWhitespace: true,
      minifySyntax: true,
      legalComments: 'none',
      plugins: [
        {
          name: 'a page',
          setup: ({onLoad}) =>
            onLoad({filter: /backends\/environment\.js$/}, () => ({
              contents: 'export const isNode = false;',
            })),
        },
      ],
      logLevel: 'error',
    });
    const said = outputFiles.flatMap(({text}) => [
      ...text
        .replace(/examples:\[\[.*?\]\]/gs, '') // of `train --help`
        .matchAll(
          /.{40}(npx |npm (install|run|ls)|bmojo (doctor|data|train|setup|eval)\b|[\s`'"]\(?--[a-z][a-z-]+(?![a-z-]*:)).{20}/gs,
        ),
    ]);
    // A colour of a style sheet (`--ink:`) is no option. TensorFlow's backend, which is refused in a page before it says that; what a browser is started with.
    const known = /npx bmojo setup|--enable-unsafe-webgpu/;
    expect(said.map(([words]) => words).filter(words => !known.test(words))).to.deep.equal([]);
  });
});

/** Whether importing a module does something: it imports for effect, or has statements that are no declarations. */
function hasEffects(text: string): boolean {
  const code = text.replace(/`(\\.|[^`\\])*`/gs, '``'); // which may hold lines of other languages
  return code.split('\n').some(line => /^(import '|[\w.]+\(|[\w.]+ = |await |for |if |try )/.test(line));
}

describe('sideEffects of package.json', () => {
  const {sideEffects} = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')) as {
    sideEffects: string[];
  };
  const words: Readonly<Record<string, string>> = {'**/': '(.*/)?', '*': '[^/]*', '.': '\\.'};
  const patterns = sideEffects.map(
    glob => new RegExp(`^(\\./)?${glob.replace(/^\.\//, '').replace(/\*\*\/|\*|\./g, part => words[part])}$`),
  );
  const modules = readdirSync(join(root, 'dist'), {withFileTypes: true, recursive: true})
    .filter(entry => entry.isFile() && entry.name.endsWith('.js'))
    .map(entry => `./${relative(root, join(entry.parentPath, entry.name))}`)
    .filter(path => !path.startsWith('./dist/test/'));

  it('names every module whose import does something', () => {
    const lost = modules.filter(
      path =>
        hasEffects(readFileSync(join(root, path), 'utf8')) && !patterns.some(pattern => pattern.test(path)),
    );
    expect(lost).to.deep.equal([]);
  });

  it('names no module that is not there', () => {
    const sources = ['./index.ts']; // which the demo bundles
    const vain = sideEffects.filter((_, i) => ![...modules, ...sources].some(path => patterns[i].test(path)));
    expect(vain).to.deep.equal([]);
  });
});
