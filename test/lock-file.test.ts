// The lock file holds what npm ci wants of it on every platform: npm leaves optional packages of other platforms out when it
// rewrites the file beside an existing node_modules, and npm ci then refuses it.

import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';

interface Locked {
  readonly packages: Readonly<
    Record<string, {optionalDependencies?: Record<string, string>; integrity?: string; link?: boolean}>
  >;
}

const root = join(import.meta.dirname, '../..');

for (const folder of ['.', 'scripts/api', 'scripts/setup-tensorflow']) {
  const text = readFileSync(join(root, folder, 'package-lock.json'), 'utf8');
  const {packages} = JSON.parse(text) as Locked;

  describe(`package-lock.json of ${folder}`, () => {
    it('names every optional package of every package', () => {
      const missing = Object.entries(packages).flatMap(([path, {optionalDependencies = {}}]) =>
        Object.keys(optionalDependencies)
          .filter(
            name => !(`node_modules/${name}` in packages) && !(`${path}/node_modules/${name}` in packages),
          )
          .map(name => `${name} of ${path}`),
      );
      expect(
        missing,
        'make it anew in a folder without node_modules: npm install --package-lock-only',
      ).to.deep.equal([]);
    });

    it('names no registry', () => {
      expect(text).to.not.match(/"resolved": "https?:/);
    });

    it('pins every package that is downloaded by its digest', () => {
      const unpinned = Object.entries(packages)
        .filter(([path, {link}]) => path.includes('node_modules/') && link !== true)
        .filter(([, {integrity}]) => integrity === undefined)
        .map(([path]) => path);
      expect(unpinned).to.deep.equal([]);
    });
  });
}
