// The page Bench: measures on wasm and on WebGPU, says on what, stops when told.

import {expect} from 'chai';
import {chromiumOrSkip} from '../support/browser.js';
import type {Site} from './site.js';
import {seriousFindings, serveSite, visit} from './site.js';

describe('demo: bench', function () {
  this.timeout(300_000);
  let chromium: string;
  let site: Site;
  before(async function () {
    chromium = chromiumOrSkip(this);
    site = await serveSite();
  });
  after(() => site?.close());

  for (const [title, width] of [
    ['WebGPU', 1280],
    ['WebAssembly', 390],
  ] as const) {
    it(`measures operators on ${title}, at ${width} pixels`, () =>
      visit(
        chromium,
        site,
        'bench',
        async ({page, complaints}) => {
          await page.getByRole('button', {name: `Measure on ${title}`}).click();
          await page.locator('tbody tr').nth(3).waitFor({timeout: 120_000});
          await page.getByRole('button', {name: 'Stop'}).click();
          await page.getByRole('button', {name: `Measure on ${title}`, disabled: false}).waitFor();
          const cells = await page.locator('tbody tr').first().locator('td').allTextContents();
          expect(cells[0]).to.equal('adamW');
          expect(Number(cells[3])).to.be.above(0);
          const status = await page.locator('main [role=status]').last().textContent();
          expect(status).to.include(title === 'WebGPU' ? 'webgpu' : 'wasm');
          expect(await seriousFindings(page)).to.deep.equal([]);
          const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
          expect(overflow, 'wider than the window').to.be.at.most(0);
          expect(complaints).to.deep.equal([]);
        },
        {width},
      ));
  }

  it('says in a sentence that there is no WebGPU', () =>
    visit(
      chromium,
      site,
      'bench',
      async ({page, complaints}) => {
        await page.getByRole('button', {name: 'Measure on WebGPU'}).click();
        const words = await page.getByRole('alert').textContent();
        expect(words)
          .to.include('WebGPU')
          .and.not.to.match(/bmojo doctor|npm |--backend/);
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false},
    ));
});
