// The direction of imports, as a table. Nothing points back up.

import {execFileSync} from 'node:child_process';
import {readdirSync, readFileSync} from 'node:fs';
import {dirname, join, relative} from 'node:path';
import {expect} from 'chai';

/** For each folder of the source, the folders that it may import: what lies below it. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  errors: [],
  config: ['errors'],
  formats: ['errors'],
  memory: ['formats', 'errors'],
  plot: [],
  'custom-ops': ['errors'],
  data: ['config', 'formats', 'errors'],
  layers: ['custom-ops', 'config', 'formats', 'errors'],
  models: ['layers', 'custom-ops', 'data', 'memory', 'config', 'formats', 'errors'],
  eval: ['models', 'layers', 'custom-ops', 'data', 'memory', 'config', 'formats', 'plot', 'errors'],
  train: ['eval', 'models', 'layers', 'custom-ops', 'data', 'memory', 'config', 'formats', 'errors'],
  experiments: [
    'train',
    'eval',
    'models',
    'layers',
    'custom-ops',
    'data',
    'memory',
    'config',
    'formats',
    'plot',
    'errors',
  ],
  bench: [
    'experiments',
    'train',
    'eval',
    'models',
    'layers',
    'custom-ops',
    'data',
    'memory',
    'config',
    'plot',
    'errors',
  ],
  demo: [
    'bench',
    'train',
    'eval',
    'models',
    'layers',
    'custom-ops',
    'data',
    'memory',
    'config',
    'formats',
    'plot',
    'errors',
  ],
  cli: [
    'bench',
    'experiments',
    'train',
    'eval',
    'models',
    'layers',
    'custom-ops',
    'data',
    'memory',
    'config',
    'formats',
    'plot',
    'errors',
  ],
};

/** Folders without sources of the package. */
const others = ['test', 'scripts', 'examples', 'docs'];

const root = join(import.meta.dirname, '../..');

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), {withFileTypes: true, recursive: true})
    .filter(entry => entry.isFile() && /\.tsx?$/.test(entry.name))
    .map(entry => relative(root, join(entry.parentPath, entry.name)));
}

/** Imports that leave their folder for one that the table does not allow. */
function violations(file: string, text: string): string[] {
  const own = file.split('/')[0];
  const targets = [...text.matchAll(/(?:from|import\()\s*'(\.{1,2}\/[^']+)'/g)].map(match =>
    join(dirname(file), match[1]),
  );
  return targets
    .map(target => target.split('/')[0])
    .filter(folder => folder !== own && !allowed[own].includes(folder))
    .map(folder => `${file} imports from ${folder}`);
}

describe('architecture', () => {
  it('imports point one way', () => {
    const found = Object.keys(allowed).flatMap(folder =>
      sources(folder).flatMap(file => violations(file, readFileSync(join(root, file), 'utf8'))),
    );
    expect(found).to.deep.equal([]);
  });

  it('has a row for every folder', () => {
    const tracked = execFileSync('git', ['ls-files', '-z'], {cwd: root, encoding: 'utf8'}).split('\0');
    const folders = new Set(tracked.filter(path => path.includes('/')).map(path => path.split('/')[0]));
    const unknown = [...folders].filter(
      folder => !folder.startsWith('.') && !(folder in allowed) && !others.includes(folder),
    );
    expect(unknown).to.deep.equal([]);
  });

  it('notices an import that points back up', () => {
    expect(violations('custom-ops/run.ts', "import {x} from '../layers/index.js';")).to.have.length(1);
    expect(violations('layers/deep/a.ts', "import {x} from '../../custom-ops/index.js';")).to.have.length(0);
  });

  it('keeps Node out of everything that browsers load, whatever it reaches', () => {
    const manifest = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'));
    const found = browserEntries.flatMap(entry =>
      nodeModulesBehind(manifest, manifest.exports[entry].default),
    );
    expect(found).to.deep.equal([]);
    // The law sees them where they are.
    expect(nodeModulesBehind(manifest, manifest.exports['./runs'].default)).to.not.be.empty;
  });
});

/** Subpath exports for browsers as well as Node. */
const browserEntries = ['.', './ops', './config', './data', './formats', './memory', './eval', './train'];

/** What the built file `entry` reaches of Node's modules, through any import, as a browser resolves it. */
function nodeModulesBehind(manifest: {imports: Record<string, {default: string}>}, entry: string): string[] {
  const seen = new Set<string>();
  const found: string[] = [];
  const follow = (file: string): void => {
    if (seen.has(file)) return;
    seen.add(file);
    const text = readFileSync(file, 'utf8');
    for (const [, name] of text.matchAll(/(?:from|import\(?)\s*['"]([^'"]+)['"]/g)) {
      if (name.startsWith('.')) follow(join(dirname(file), name));
      else if (name.startsWith('#')) follow(join(root, manifest.imports[name].default));
      else if (name.startsWith('node:')) found.push(`${relative(root, file)} imports ${name}`);
    }
  };
  follow(join(root, entry));
  return found;
}
