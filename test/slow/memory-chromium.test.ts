// A memory in a browser: PGlite in IndexedDB, there again after the page was loaded anew, gone when it was forgotten.

import {createRequire} from 'node:module';
import {dirname} from 'node:path';
import {fileURLToPath} from 'node:url';
import {expect} from 'chai';
import type {FoundInPage} from '../browser/memory-page.js';
import {chromiumOrSkip, withPage} from '../support/browser.js';

const entry = fileURLToPath(new URL('../browser/memory-page.js', import.meta.url));
const {resolve} = createRequire(import.meta.url);
const folders = ['@electric-sql/pglite', '@electric-sql/pglite-pgvector'].map(name => dirname(resolve(name)));

describe('a memory in Chromium', () => {
  let kept: FoundInPage;
  let again: FoundInPage;
  let forgotten: number;
  let left: FoundInPage;
  const complaints: string[] = [];
  before(async function () {
    this.timeout(600_000);
    const path = chromiumOrSkip(this);
    await withPage(
      path,
      entry,
      async page => {
        page.on('pageerror', error => complaints.push(error.message));
        kept = await page.evaluate(() => window.keepInMemory([1, 0, 0, 1, -1, -1], [3, 4, 7]));
        await page.reload();
        again = await page.evaluate(() => window.findInMemory());
        forgotten = await page.evaluate(() => window.forgetMemory());
        await page.reload();
        left = await page.evaluate(() => window.findInMemory());
      },
      {folders, isModule: true},
    );
  });

  it('finds the best rows first', () => {
    expect(kept).to.deep.equal({rows: 3, positions: [4, 3], scores: [2, 1], values: [0, 10, 10, 0]});
  });

  it('is there when the page is loaded anew', () => {
    expect(again).to.deep.equal(kept);
  });

  it('is gone when it was forgotten', () => {
    expect(forgotten).to.equal(3);
    expect(left).to.deep.include({rows: 0, positions: [-1, -1]});
  });

  it('without a complaint of the page', () => {
    expect(complaints).to.deep.equal([]);
  });
});
