// The version that files of ours carry is the package's.

import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';
import {VERSION} from '../../config/version.js';

describe('version', () => {
  it('is that of package.json', () => {
    const path = join(import.meta.dirname, '../../../package.json');
    expect(JSON.parse(readFileSync(path, 'utf8')).version).to.equal(VERSION);
  });
});
