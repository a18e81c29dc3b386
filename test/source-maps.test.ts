// Source maps of what is packed hold their sources: the package has no others.

import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';

const dist = join(import.meta.dirname, '..');
const root = join(dist, '..');

describe('source maps', () => {
  it('hold the sources that they name', () => {
    const maps = ['layers', 'models']
      .flatMap(folder => readdirSync(join(dist, folder)).map(name => join(folder, name)))
      .filter(name => name.endsWith('.js.map') && existsSync(join(root, name.replace(/js\.map$/, 'ts'))));
    expect(maps).to.include(join('layers', 'weights.js.map'));
    for (const map of maps) {
      const {sources, sourcesContent} = JSON.parse(readFileSync(join(dist, map), 'utf8'));
      expect(sourcesContent?.length, map).to.equal(sources.length);
    }
  });
});
