// Who uses the keyboard keeps their place: a button that has nothing to do keeps the focus, and what is removed hands it to what
// stands beside it.

import {readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';
import type {Locator, Page} from 'playwright-core';
import {hasFocus, siteOfSuite, visit} from './site.js';

const root = join(import.meta.dirname, '../../..');
const shippedModel = join(root, 'demo/public/models/recall-mamba');

const button = (page: Page, name: string | RegExp): Locator =>
  page.getByRole('button', {name, exact: true, disabled: false});

async function press(target: Locator): Promise<void> {
  await target.press('Enter');
}

describe('demo: focus', function () {
  this.timeout(600_000);
  const shown = siteOfSuite();
  const inPage = (hash: string, body: (page: Page) => Promise<void>): Promise<void> =>
    visit(
      shown,
      hash,
      async ({page, complaints}) => {
        await body(page);
        expect(complaints.filter(words => !/404/.test(words))).to.deep.equal([]);
      },
      {webgpu: false},
    );

  it('stays in the microscope, where the memory is changed and the source is another', () =>
    inPage('microscope', async page => {
      const forget = button(page, 'Forget it');
      await page.locator('#token-7').click();
      await page.getByRole('heading', {name: /^Token 7:/}).waitFor();
      await press(forget);
      await page.locator('#effect').waitFor();
      await hasFocus(forget);
      // The row goes, and the list with it.
      await press(page.getByRole('button', {name: /^Undo: forget token 7 /}));
      await page.locator('#effect').waitFor({state: 'detached'});
      await hasFocus(page.getByRole('button', {name: 'Undo all'}));
      // Each figure is a window to look with.
      const window = page.getByLabel('Window');
      await window.press('ControlOrMeta+a');
      await page.keyboard.type('12');
      await hasFocus(window);
      expect(await window.inputValue()).to.equal('12');
      await page.waitForURL(/window=12/);
      await page.getByText(/^64 tokens, on/).waitFor();
      await hasFocus(window);
      const text = page.getByLabel('your own text');
      await text.focus();
      await page.keyboard.press('Space');
      await page.getByRole('button', {name: 'Look at it'}).waitFor();
      await hasFocus(text);
    }));

  it('stays where a text is written, stopped and gone on with', () =>
    inPage('write', async page => {
      await page.getByText('How it chooses').click();
      await page.getByLabel('max tokens').fill('3');
      await press(button(page, 'Write'));
      await button(page, 'Go on').waitFor();
      // Another text has no beginning yet: there is nothing to press, and still the focus.
      await hasFocus(page.getByRole('button', {name: 'Write another', disabled: true}));
      await page.getByLabel('max tokens').fill('100000');
      await press(button(page, 'Go on'));
      await press(button(page, 'Stop'));
      await button(page, 'Go on').waitFor();
      await hasFocus(page.getByRole('button', {name: 'Stop', disabled: true}));
    }));

  it('stays with a training that begins, pauses and goes on, and goes beside one that is deleted', () =>
    inPage('train', async page => {
      await page.getByText('Settings').click();
      for (const [name, value] of Object.entries({steps: '100000', batch: '2', 'd model': '16'}))
        await page.getByLabel(name, {exact: true}).fill(value);
      const [train, pause] = ['Train', 'Pause'].map(name => page.getByRole('button', {name, exact: true}));
      await press(train);
      await button(page, 'Pause').waitFor();
      await hasFocus(train);
      await press(pause);
      await button(page, 'Resume').waitFor();
      await hasFocus(pause);
      await press(button(page, 'Delete'));
      await page.locator('section').waitFor({state: 'detached'});
      await hasFocus(train);
    }));

  it('goes beside a model that is deleted, and to the page that a link leads to', () =>
    inPage('yours', async page => {
      const files = readdirSync(shippedModel).map(name => join(shippedModel, name));
      await page.getByLabel('Choose files').setInputFiles(files);
      const look = page.getByRole('link', {name: 'Look into its memory'});
      await press(look);
      await page.getByRole('heading', {name: 'Memory microscope'}).waitFor();
      await hasFocus(page.locator('main'));
      await page.goBack();
      await press(page.getByRole('button', {name: /^Delete/}));
      await page.getByText('No model yet.').waitFor();
      await hasFocus(page.getByLabel('Choose files'));
    }));

  it('stays with a measurement that begins and is stopped', () =>
    inPage('bench', async page => {
      const measure = page.getByRole('button', {name: 'Measure on WebAssembly'});
      await press(measure);
      await button(page, 'Stop').waitFor();
      await hasFocus(measure);
      await press(button(page, 'Stop'));
      await button(page, 'Measure on WebAssembly').waitFor();
      await hasFocus(page.getByRole('button', {name: 'Stop', disabled: true}));
    }));

  it('is kept by every button: none is disabled for the browser, alone or with the group that it is in', () => {
    const sources = readdirSync(join(root, 'demo'), {recursive: true, encoding: 'utf8'}).filter(
      path => path.endsWith('.tsx') && path !== join('ui', 'button.tsx'),
    );
    expect(sources).to.include(join('pages', 'write', 'page.tsx'));
    const found = sources.filter(path =>
      /<button|<fieldset[^>]*disabled/.test(readFileSync(join(root, 'demo', path), 'utf8')),
    );
    expect(found).to.deep.equal([]);
  });
});
