// The page Bench: measures on wasm and on WebGPU, says on what, stops when told.

import {expect} from 'chai';
import type {Page} from 'playwright-core';
import {loseDevice, seriousFindings, siteOfSuite, soon, visit} from './site.js';

/** Ends a measurement that may have come to its end by itself: a click would wait for something to stop. */
const stop = (page: Page): Promise<void> =>
  page.getByRole('button', {name: 'Stop'}).evaluate(button => (button as HTMLButtonElement).click());

describe('demo: bench', function () {
  this.timeout(600_000);
  const shown = siteOfSuite();

  for (const [title, width] of [
    ['WebGPU', 1280],
    ['WebAssembly', 390],
  ] as const) {
    const isGpu = title === 'WebGPU';
    it(`measures operators on ${title}, at ${width} pixels${isGpu ? ', and on a new device where that is lost' : ''}`, () =>
      visit(
        shown,
        'bench',
        async ({page, context, complaints}) => {
          const start = page.getByRole('button', {name: `Measure on ${title}`, disabled: false});
          await start.click();
          await page.locator('tbody tr').nth(1).waitFor();
          const cells = await page.locator('tbody tr').first().locator('td').allTextContents();
          expect(cells[0]).to.equal('adamW');
          expect(Number(cells[3])).to.be.above(0);
          const status = page.locator('main [role=status]').last();
          await soon(async () => expect(await status.textContent()).to.include(isGpu ? 'webgpu' : 'wasm'));
          expect(complaints).to.deep.equal([]);
          if (isGpu) {
            await loseDevice(context);
            await page.getByText('The graphics device was lost.').waitFor();
            await start.click();
            // Until then the rows of the device that was lost stand.
            await page.getByText(/^Measuring, [1-9]\d* rows/).waitFor();
          }
          await stop(page);
          await start.waitFor();
          if (!isGpu) {
            await page.getByLabel('a model at work').check();
            await start.click();
            const read = (): Promise<string[][]> =>
              page
                .locator('tbody tr')
                .evaluateAll(found =>
                  found.map(row => [...row.children].map(cell => cell.textContent ?? '')),
                );
            // Until then the rows of before stand.
            await soon(async () =>
              expect((await read()).slice(0, 3).map(([first]) => first)).to.deep.equal([
                'decoded token',
                'decoded token',
                'training step',
              ]),
            );
            const [kernel, composed, step] = await read();
            // Both times are told to a microsecond, how many times the one is the other to a tenth.
            const [ours, theirs] = [Number(kernel[3]), Number(composed[3])];
            expect(Number(composed[4]), 'times the kernel').to.be.within(
              (theirs - 5e-4) / (ours + 5e-4) - 0.051,
              (theirs + 5e-4) / (ours - 5e-4) + 0.051,
            );
            expect(Number(step[5])).to.be.above(0);
          }
          expect(await seriousFindings(page)).to.deep.equal([]);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect(overflow, 'wider than the window').to.be.at.most(0);
        },
        {width},
      ));
  }

  it('says in a sentence that there is no WebGPU, and shows on what was measured before', () =>
    visit(
      shown,
      'bench',
      async ({page, complaints}) => {
        const gpu = page.getByRole('button', {name: 'Measure on WebGPU', disabled: false});
        await page.getByRole('button', {name: 'Measure on WebAssembly'}).click();
        await page.locator('tbody tr').first().waitFor();
        await stop(page);
        await gpu.waitFor();
        const measured = await page.locator('tbody tr').allTextContents();
        await gpu.click();
        const words = await page.getByRole('alert').textContent();
        expect(words)
          .to.include('WebGPU')
          .and.not.to.match(/bmojo doctor|npm |--backend/);
        expect(await page.locator('tbody tr').allTextContents()).to.deep.equal(measured);
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false},
    ));
});
