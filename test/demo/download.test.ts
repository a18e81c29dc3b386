// A shipped model on its way into the browser: the connection breaks, the page is loaded anew in the midst of it, and what came
// is not fetched twice.

import {expect} from 'chai';
import {siteOfSuite, visit} from './site.js';

const shard = 'models/shakespeare/weights-00001-of-00001.bin';

describe('demo: download', function () {
  this.timeout(600_000);
  const shown = siteOfSuite();

  it('goes on by Range where the connection broke, and where the page was left', () =>
    visit(
      shown,
      'write',
      async ({page, complaints}) => {
        shown.site.stalls.set(shard, [1_000_000, 2_000_000]);
        const write = async (): Promise<void> => {
          await page.getByText('How it chooses').click();
          await page.getByLabel('max tokens').fill('3');
          await page.getByRole('button', {name: 'Write', exact: true}).click();
        };
        await write();
        // A connection that breaks takes along what the page has not read of it.
        await page.getByText(/1\.0\d MB of 2\.9\d MB/).waitFor();
        shown.site.breakOff();
        await page.getByText(/2\.0\d MB of 2\.9\d MB/).waitFor();
        await page.reload();
        await write();
        await page.getByText(/3 tokens, /).waitFor();
        const asked = shown.site.asked.filter(path => path.startsWith(shard));
        expect(asked).to.have.length(3);
        const [first, second, third] = asked.map(path => Number(path.split(' from ')[1] ?? 0));
        expect(first).to.equal(0);
        expect(second, 'behind what came before the connection broke').to.be.within(900_000, 1_000_000);
        expect(third, 'behind what came before the page was left').to.be.within(1_900_000, 2_000_000);
        expect(complaints.filter(words => !/net::ERR/.test(words))).to.deep.equal([]);
      },
      {webgpu: false},
    ));
});
