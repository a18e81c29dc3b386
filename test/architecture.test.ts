// The direction of imports, as a table. Nothing points back up.

import {readdirSync, readFileSync} from 'node:fs';
import {dirname, join, relative} from 'node:path';
import {expect} from 'chai';

/** For each folder of the source, the folders that it may import. */
const allowed: Readonly<Record<string, readonly string[]>> = {
  config: [],
  formats: [],
  plot: [],
  data: ['config', 'formats'],
  'custom-ops': [],
  layers: ['custom-ops', 'config'],
  models: ['layers', 'custom-ops', 'data', 'config', 'formats'],
  eval: ['models', 'layers', 'custom-ops', 'data', 'config', 'formats', 'plot'],
  train: ['eval', 'models', 'layers', 'custom-ops', 'data', 'config', 'formats', 'plot'],
};

const root = join(import.meta.dirname, '../..');

function sources(folder: string): string[] {
  return readdirSync(join(root, folder), {withFileTypes: true, recursive: true})
    .filter(entry => entry.isFile() && entry.name.endsWith('.ts'))
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
    const found = Object.keys(allowed).flatMap(folder => {
      const present = readdirSync(root).includes(folder);
      return present
        ? sources(folder).flatMap(file => violations(file, readFileSync(join(root, file), 'utf8')))
        : [];
    });
    expect(found).to.deep.equal([]);
  });

  it('notices an import that points back up', () => {
    expect(violations('custom-ops/run.ts', "import {x} from '../layers/index.js';")).to.have.length(1);
    expect(violations('layers/deep/a.ts', "import {x} from '../../custom-ops/index.js';")).to.have.length(0);
  });

  it('keeps Node modules out of everything that browsers load', () => {
    // Reached in Node alone: by subpath exports, and by the conditional imports '#dawn' and '#tensorflow'.
    const nodeOnly = /file-system|atomic-file|webgpu\/dawn|tensorflow\/addon|data\/(files|cli)\//;
    const found = ['config', 'data', 'custom-ops', 'layers', 'models'].flatMap(folder =>
      sources(folder)
        .filter(file => !nodeOnly.test(file))
        .filter(file =>
          /from 'node:|import\('node:|= require\(/.test(readFileSync(join(root, file), 'utf8')),
        ),
    );
    expect(found).to.deep.equal([]);
  });
});
