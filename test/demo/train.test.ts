// The page Train here: the loss falls, a pause keeps a checkpoint, a reload shows the run again and it goes on from there.

import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {useBackend} from '../../index.js';
import {openModel} from '../../models/node.js';
import {startLate} from '../support/start-late.js';
import {seriousFindings, siteOfSuite, soon, visit} from './site.js';

/** What a browser does to a page whose tab is in the background: it draws no frames, and timers go off once a second. */
function asInBackground(): void {
  const later = window.setTimeout.bind(window);
  Object.defineProperty(document, 'visibilityState', {get: () => 'hidden'});
  window.requestAnimationFrame = () => 0;
  Object.defineProperty(window, 'setTimeout', {
    value: (body: () => void, milliseconds = 0) => later(body, Math.max(1000, milliseconds)),
  });
}

/** A browser that breaks off whatever the worker is asked for. */
function breakOff(): void {
  Worker.prototype.postMessage = function (this: Worker, {id}: {readonly id: number}) {
    const error = {name: 'AbortError', kind: 'fault', message: 'the files are in use'};
    this.dispatchEvent(new MessageEvent('message', {data: {id, type: 'failed', error}}));
  };
}

describe('demo: train here', function () {
  this.timeout(600_000);
  const shown = siteOfSuite();
  before(async () => {
    await useBackend('wasm');
  });

  it('trains recall on wasm, pauses, survives a reload and goes on in the background', () =>
    visit(
      shown,
      'train',
      async ({page, complaints}) => {
        await page.getByText('Settings').click();
        await page.getByLabel('steps', {exact: true}).fill('60');
        await page.evaluate(startLate, 'cancel');
        await page.getByRole('button', {name: 'Train', exact: true}).click();
        await page.getByRole('button', {name: 'Pause'}).click();
        await page.getByText('Paused at step 1 of 60').waitFor({timeout: 240_000});
        await page.addInitScript(asInBackground);
        await page.reload();
        await page.getByText('Paused at step 1 of 60').waitFor();
        await page.getByRole('button', {name: 'Resume'}).click();
        await page.getByText('Finished at step 60').waitFor({timeout: 240_000});
        await soon(async () => {
          const losses = await page.locator('.chart[aria-label^="loss"]').getAttribute('aria-label');
          expect(losses).to.match(/held out 3\.\d+ at 60|held out 2\.\d+ at 60/);
          expect(await page.locator('.share-row').count()).to.equal(2);
        });
        expect(await seriousFindings(page)).to.deep.equal([]);
        await page.getByRole('button', {name: 'Keep as a model'}).click();
        await page.getByText('Kept as').waitFor();
        const folder = mkdtempSync(join(tmpdir(), 'bmojo-kept-'));
        for (const link of await page.locator('a[download]').all()) {
          const [download] = await Promise.all([page.waitForEvent('download'), link.click()]);
          await download.saveAs(join(folder, download.suggestedFilename()));
        }
        const {model, card} = await openModel(folder);
        expect(card?.training?.step).to.equal(60);
        expect(model.parameterCount()).to.equal(card?.model.parameters);
        model.model.dispose();
        rmSync(folder, {recursive: true});
        await page.getByRole('button', {name: 'Delete'}).click();
        await page.locator('section').waitFor({state: 'detached'});
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false, width: 390},
    ));

  it('shows a training that was begun before the kept ones were listed', () =>
    visit(
      shown,
      'train',
      async ({page}) => {
        await page.addInitScript(startLate, 'train');
        await page.reload();
        await page.getByText('Settings').click();
        for (const [name, value] of Object.entries({steps: '2', batch: '2', 'd model': '16'}))
          await page.getByLabel(name, {exact: true}).fill(value);
        await page.getByRole('button', {name: 'Train', exact: true}).click();
        await page.getByText('Finished at step 2 of 2').waitFor();
        await soon(async () =>
          expect(await page.locator('.share-row').count(), 'its memory is shown').to.equal(2),
        );
      },
      {webgpu: false},
    ));

  it('keeps a training that is paused before its worker has begun', () =>
    visit(
      shown,
      'train',
      async ({page, complaints}) => {
        await page.addInitScript(startLate, 'cancel');
        await page.reload();
        await page.getByText('Settings').click();
        for (const [name, value] of Object.entries({steps: '3', batch: '2', 'd model': '16'}))
          await page.getByLabel(name, {exact: true}).fill(value);
        await page.getByRole('button', {name: 'Train', exact: true}).click();
        await page.getByRole('button', {name: 'Pause'}).click();
        await page.getByText('Paused at step 1 of 3').waitFor();
        await page.getByRole('button', {name: 'Resume'}).click();
        await page.getByText('Finished at step 3 of 3').waitFor();
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false},
    ));

  it('says what the browser broke off, which nobody asked it to', () =>
    visit(
      shown,
      'train',
      async ({page}) => {
        await page.addInitScript(breakOff);
        await page.reload();
        expect(await page.getByRole('alert').textContent()).to.include('the files are in use');
      },
      {webgpu: false},
    ));

  it('refuses settings that do not fit in a sentence, and goes on working', () =>
    visit(
      shown,
      'train',
      async ({page}) => {
        await page.getByText('Settings').click();
        await page.getByLabel('heads', {exact: true}).fill('5');
        await page.getByRole('button', {name: 'Train', exact: true}).click();
        const words = await page.getByRole('alert').textContent();
        expect(words)
          .to.match(/heads must divide D = 32/)
          .and.not.to.match(/--/);
        await page.locator('section').waitFor({state: 'detached'});
        await page.getByLabel('characters of a text').check();
        await page.getByRole('button', {name: 'Train', exact: true}).click();
        await page.getByText('the text has 0 characters; it needs 650,').waitFor();
        await page.getByRole('button', {name: 'Take some of Shakespeare'}).click();
        await page.getByRole('alert').waitFor({state: 'detached'});
        await soon(async () =>
          expect((await page.getByLabel('Text to learn from').inputValue()).length).to.equal(100_000),
        );
        await page.reload();
        await page.getByRole('button', {name: 'Train', exact: true}).waitFor();
        expect(await page.locator('section').count(), 'nothing is kept of what was refused').to.equal(0);
      },
      {webgpu: false},
    ));
});
