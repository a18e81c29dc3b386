// The page Write: what a visitor may paste or choose that is no text of the model's, or a very long one.

import {join} from 'node:path';
import {expect} from 'chai';
import type {Page} from 'playwright-core';
import {siteOfSuite, visit} from './site.js';

const LONG = 150_000;

const button = (page: Page, name: string) => page.getByRole('button', {name, exact: true});
const alert = (page: Page) => page.getByRole('alert').textContent();

describe('demo: write', function () {
  this.timeout(600_000);
  const shown = siteOfSuite();

  it('says of a file and of a text that they cannot be taken, and is not at fault', () =>
    visit(
      shown,
      'write',
      async ({page, complaints}) => {
        await button(page, 'Write').and(page.locator(':not([aria-disabled=true])')).waitFor();
        await page
          .getByLabel('Restore a state')
          .setInputFiles(join(import.meta.dirname, '../../../package.json'));
        expect(await alert(page)).to.match(
          /^This cannot be done as asked: this is no state that was saved here/,
        );
        await page.getByLabel('Begin with').fill('\u{1f600}');
        await button(page, 'Write').click();
        await page.getByText('has no "\u{1f600}" (U+1F600)').waitFor();
        expect(await alert(page)).to.match(/^This cannot be done as asked: /);
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false},
    ));

  it('reads a text of any length, is stopped in it, and goes on with what is left of it', () =>
    visit(
      shown,
      'write',
      async ({page, complaints}) => {
        await button(page, 'Write').and(page.locator(':not([aria-disabled=true])')).waitFor();
        await page.getByText('How it chooses').click();
        await page.getByLabel('max tokens').fill('1');
        await button(page, 'Write').click();
        await page.getByText('Shares of attention').waitFor();
        await page.getByLabel('Add to the text, or begin another with').fill('x'.repeat(LONG));
        await button(page, 'Write another').click();
        await button(page, 'Stop').click();
        // What it saw of the text stands there once it has stopped.
        await page.getByText('Shares of attention').waitFor();
        expect(await page.getByRole('alert').count()).to.equal(0);
        await button(page, 'Save the state').click();
        await page.getByText('it was stopped while it read: go on first').waitFor();
        await button(page, 'Go on').click();
        await page.getByRole('alert').waitFor({state: 'detached'});
        await button(page, 'Stop').click();
        await page.getByText('Shares of attention').waitFor();
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false},
    ));
});
