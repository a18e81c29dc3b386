// The examples of README and docs are strict TypeScript as they stand; the one of the store's documents runs.

import {execFile} from 'node:child_process';
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pathToFileURL} from 'node:url';
import {promisify} from 'node:util';
import {expect} from 'chai';

const root = join(import.meta.dirname, '../..');
const documents = ['README.md', ...readdirSync(join(root, 'docs')).map(name => join('docs', name))].filter(
  path => path.endsWith('.md'),
);

interface Example {
  readonly name: string;
  readonly code: string;
}

/** Blocks of TypeScript; a comment `given` before one declares what its reader has. */
function examplesOf(document: string): Example[] {
  const text = readFileSync(join(root, document), 'utf8');
  const blocks = text.matchAll(/(?:<!-- given\n([\s\S]*?)-->\n)?```(ts|js)\n([\s\S]*?)```/g);
  return [...blocks].map(([, given = '', language, code], i) => {
    expect(language, `${document} example ${i + 1}: types are for everybody to see`).to.equal('ts');
    return {
      name: `${document.replace(/\W+/g, '-')}-${i + 1}.ts`,
      code: `${given}${code}\nexport {};\n`,
    };
  });
}

describe('examples of the documents', function () {
  this.timeout(300_000);

  it('are strict TypeScript', async () => {
    const examples = documents.flatMap(examplesOf);
    expect(examples.length).to.be.at.least(10);
    // Inside the package, which then finds itself by its own name.
    mkdirSync(join(root, 'build'), {recursive: true});
    const folder = mkdtempSync(join(root, 'build/examples-'));
    try {
      for (const {name, code} of examples) writeFileSync(join(folder, name), code);
      const options = '--noEmit --strict --skipLibCheck --target es2023 --module nodenext --types node';
      const files = examples.map(({name}) => join(folder, name));
      const tsc = join(root, 'node_modules/typescript/bin/tsc');
      const complaints = await promisify(execFile)(
        process.execPath,
        [tsc, '--ignoreConfig', ...options.split(' '), ...files],
        {cwd: folder},
      ).then(
        () => '',
        ({stdout}: {stdout: string}) => stdout,
      );
      expect(complaints).to.equal('');
    } finally {
      rmSync(folder, {recursive: true});
    }
  });

  it('find what was stored', async () => {
    const [{code}] = examplesOf(join('docs', 'memory.md'));
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-example-'));
    const module = code
      .replace("'bmojo/memory'", `'${pathToFileURL(join(root, 'dist/memory/index.js')).href}'`)
      .replace("'runs/memory'", `'${join(folder, 'memory')}'`)
      .replace('export {};', 'export {found};');
    try {
      const {found} = await import(`data:text/javascript,${encodeURIComponent(module)}`);
      expect([[...found.positions], [...found.scores], [...found.values]]).to.deep.equal([[1], [2], [7, 8]]);
    } finally {
      rmSync(folder, {recursive: true});
    }
  });
});
