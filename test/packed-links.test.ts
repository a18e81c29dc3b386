// The documents of the package lead to files of the package.

import {execFileSync} from 'node:child_process';
import {readFileSync} from 'node:fs';
import {dirname, join, normalize} from 'node:path';
import {expect} from 'chai';

const root = join(import.meta.dirname, '../..');

interface Packed {
  readonly files: readonly {readonly path: string}[];
}

describe('links of the packed documents', function () {
  this.timeout(300_000);

  it('lead to what is packed', () => {
    const args = ['pack', '--dry-run', '--json', '--ignore-scripts'];
    const [{files}] = JSON.parse(execFileSync('npm', args, {cwd: root, encoding: 'utf8'})) as Packed[];
    const packed = new Set(files.flatMap(({path}) => [path, dirname(path)]));
    const documents = files.map(({path}) => path).filter(path => path.endsWith('.md'));
    expect(documents).to.include.members(['README.md', 'docs/backends.md']);
    const dead = documents.flatMap(document =>
      [...readFileSync(join(root, document), 'utf8').matchAll(/\]\(([^)\s#]+)/g)]
        .map(([, target]) => target)
        .filter(target => !/^[a-z]+:/.test(target))
        .filter(target => !packed.has(normalize(join(dirname(document), target)).replace(/\/$/, '')))
        .map(target => `${document}: ${target}`),
    );
    expect(dead).to.deep.equal([]);
  });
});
