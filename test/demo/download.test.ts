// A shipped model on its way into the browser: the connection breaks, the page is loaded anew in the midst of it, and what came
// is not fetched twice.

import {expect} from 'chai';
import {chromiumOrSkip} from '../support/browser.js';
import type {Site} from './site.js';
import {serveSite, visit} from './site.js';

const shard = 'models/shakespeare/weights-00001-of-00001.bin';

describe('demo: download', function () {
  this.timeout(300_000);
  let chromium: string;
  let site: Site;
  before(async function () {
    chromium = chromiumOrSkip(this);
    site = await serveSite();
  });
  after(() => site?.close());

  it('goes on by Range where the connection broke, and where the page was left', () =>
    visit(
      chromium,
      site,
      'write',
      async ({page, complaints}) => {
        site.faults.set(shard, [
          {at: 1_000_000, kind: 'break'},
          {at: 2_000_000, kind: 'stall'},
        ]);
        const write = async (): Promise<void> => {
          await page.getByText('How it chooses').click();
          await page.getByLabel('max tokens').fill('3');
          await page.getByRole('button', {name: 'Write', exact: true}).click();
        };
        await write();
        await page.getByText(/2\.0\d MB of 2\.9\d MB/).waitFor();
        await page.reload();
        await write();
        await page.getByText(/3 tokens, /).waitFor();
        const asked = site.asked.filter(path => path.startsWith(shard));
        expect(asked).to.have.length(3);
        const [first, second, third] = asked.map(path => Number(path.split(' from ')[1] ?? 0));
        expect(first).to.equal(0);
        expect(second, 'behind what came before the connection broke').to.be.within(1, 1_000_000);
        expect(third, 'behind what came before the page was left').to.be.within(1_900_000, 2_000_000);
        expect(complaints.filter(words => !/net::ERR/.test(words))).to.deep.equal([]);
      },
      {webgpu: false},
    ));
});
