// The GPU is lost while a page is at work: it says so and goes on, the microscope by looking again, a training from
// what is kept of it.

import {expect} from 'chai';
import type {BrowserContext, Page} from 'playwright-core';
import {loseDevice, siteOfSuite, soon, visit} from '../demo/site.js';

/** Chromium gives a page no device behind the second loss, and ends itself behind the sixth. */
const MOST_LOSSES = 3;

/** Loses the devices that the page takes, until it computes without one: software in its place takes minutes to go on. */
async function loseUntilWithout(page: Page, context: BrowserContext, words: RegExp): Promise<void> {
  const without = page.getByText(words);
  for (let losses = 0; losses < MOST_LOSSES && !(await without.isVisible()); losses++) {
    await loseDevice(context);
    await page.getByText('The graphics device was lost.').waitFor();
    await page.waitForTimeout(3000);
  }
  await without.waitFor();
}

describe('demo: lost device', function () {
  this.timeout(600_000);
  const shown = siteOfSuite();

  it('is told by the microscope, which looks again', () =>
    visit(shown, '', async ({page, context}) => {
      // Behind the device, before anything is seen.
      await soon(async () => expect(shown.site.asked.join()).to.include('recall-bmojo/weights'));
      await loseUntilWithout(page, context, /^64 tokens, on .*wasm/);
      await page.getByRole('region', {name: 'What it reads'}).waitFor();
      expect(await page.getByRole('alert').count(), 'nothing failed').to.equal(1);
    }));

  it('is told by a training, which goes on, and without the device where that is lost again', () =>
    visit(shown, 'train', async ({page, context}) => {
      await page.getByText('Settings').click();
      for (const [name, value] of Object.entries({batch: '2', 'd model': '16', layers: '1', steps: '20'}))
        await page.getByLabel(name, {exact: true}).fill(value);
      await page.getByRole('button', {name: 'Train', exact: true}).click();
      await page.getByText(/^Training at .*webgpu/).waitFor();
      await loseUntilWithout(page, context, /^(Training|Finished) at .*wasm/);
      await page.getByText('Finished at step 20 of 20').waitFor();
      expect(await page.getByRole('alert').count(), 'nothing failed').to.equal(1);
    }));
});
