// The demo in Firefox, on wasm: each page opens, the microscope shows what Node computes, a training's loss falls.

import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';
import type {Browser, Page} from 'puppeteer-core';
import puppeteer from 'puppeteer-core';
import {createMqar} from '../../data/index.js';
import {inspect} from '../../eval/index.js';
import {useBackend} from '../../index.js';
import {asLanguageModel} from '../../models/create.js';
import {modelInFolder, openModel} from '../../models/node.js';
import type {Site} from '../demo/site.js';
import {LONGEST_WAIT, serveSite} from '../demo/site.js';
import {startLate} from '../support/start-late.js';

const places = ['/usr/bin/firefox-esr', '/usr/bin/firefox'];
const missing =
  'no Firefox found: install it (Debian: apt-get install firefox-esr) or set BMOJO_FIREFOX to its executable';

const shipped = join(import.meta.dirname, '../../../demo/public/models/recall-bmojo');
/** What the microscope shows first. */
const sample = createMqar({vocabSize: 64, length: 64, pairs: 8, filler: 'zero'}).sample({
  seed: 1,
  split: 'test',
  index: 0,
});

describe('demo in Firefox', function () {
  this.timeout(600_000);
  let browser: Browser;
  let site: Site;
  let complaints: string[];

  before(async function () {
    const executablePath = [process.env.BMOJO_FIREFOX, ...places].find(
      path => path !== undefined && existsSync(path),
    );
    if (executablePath === undefined) {
      if (process.env.CI === 'true') throw new Error(missing);
      console.warn(`\nFIREFOX TESTS DID NOT RUN: ${missing}\n`);
      this.skip();
    }
    browser = await puppeteer.launch({
      browser: 'firefox',
      executablePath,
      headless: true,
      // However long a loaded machine takes: each wait and the test have bounds.
      timeout: 0,
      protocolTimeout: 0,
    });
    site = await serveSite();
    await useBackend('wasm');
  });
  after(async () => {
    site?.close();
    await browser?.close();
  });

  async function open(hash: string): Promise<Page> {
    const page = await browser.newPage();
    page.setDefaultTimeout(LONGEST_WAIT);
    // Of this page: what one that was closed still says is its own.
    const own: string[] = [];
    complaints = own;
    page.on('console', message => {
      if (message.type() === 'error') own.push(message.text());
    });
    page.on('pageerror', error => own.push(String(error)));
    page.on('request', request => {
      const url = request.url();
      if (!/^(blob|data):/.test(url) && !url.startsWith(new URL(site.address).origin))
        own.push(`request off the origin: ${url}`);
    });
    await page.goto(`${site.address}#/${hash}`);
    return page;
  }

  for (const [hash, heading] of [
    ['', 'Memory microscope'],
    ['write', 'Write'],
    ['train', 'Train here'],
    ['yours', 'Your model'],
    ['bench', 'What this device does'],
  ] as const) {
    it(`opens ${heading}`, async () => {
      const page = await open(hash);
      await page.waitForSelector(`h1 ::-p-text(${heading})`);
      expect(complaints).to.deep.equal([]);
      await page.close();
    });
  }

  it('shows what Node computes', async () => {
    const page = await open('');
    await page.waitForSelector('::-p-text((wasm))');
    const rows = await page.waitForSelector('[aria-label="What comes next"] tbody tr');
    expect(rows).to.not.equal(null);
    const likely = await page.$$eval('[aria-label="What comes next"] tbody tr', found =>
      found.map(row => [row.children[0].textContent, row.children[1].getAttribute('title')]),
    );
    const {model} = await openModel(modelInFolder(shipped));
    try {
      const seen = await inspect(asLanguageModel(model), sample.inputs, {labels: sample.labels});
      const next = await seen.next(sample.queries[0].position);
      expect(likely).to.have.lengthOf(6);
      for (const [piece, share] of likely) {
        const id = piece === '·' ? 0 : Number(piece?.slice(1));
        expect(Math.log(Number(share)), `logit of ${piece}`).to.be.closeTo(Math.log(next[id]), 1e-4);
      }
    } finally {
      model.model.dispose();
    }
    expect(complaints).to.deep.equal([]);
    await page.close();
  });

  /** Clicks the element itself: at the place where it was a moment ago may be another part of a page that grows. */
  async function click(page: Page, selector: string): Promise<void> {
    const found = await page.waitForSelector(selector);
    await found?.evaluate(element => (element as HTMLElement).click());
  }

  const press = (page: Page, name: string): Promise<void> =>
    click(page, `::-p-aria([name="${name}"][role="button"]):not([aria-disabled="true"])`);

  /** Types a number into the field of this name. */
  async function fill(page: Page, name: string, value: string): Promise<void> {
    const field = await page.waitForSelector(`::-p-aria([name="${name}"][role="spinbutton"])`);
    await field?.evaluate((input, text) => {
      if (!(input instanceof HTMLInputElement)) throw new Error('the field must be an input');
      input.value = text;
      input.dispatchEvent(new Event('input', {bubbles: true}));
      input.dispatchEvent(new Event('change', {bubbles: true}));
    }, value);
  }

  it('trains recall with a falling loss, and goes on behind a reload', async () => {
    const page = await open('train');
    await click(page, '::-p-text(Settings)');
    await fill(page, 'steps', '60');
    await page.evaluate(startLate, 'cancel');
    await press(page, 'Train');
    await press(page, 'Pause');
    await page.waitForSelector('section [role=status]::-p-text(Paused at step 1 of 60)');
    await page.reload();
    await page.waitForSelector('::-p-text(Paused at step 1 of 60)');
    await press(page, 'Resume');
    await page.waitForSelector('::-p-text(Finished at step 60)');
    const chart = await page.waitForSelector('.chart[aria-label^="loss"][aria-label*=" at 60"]');
    const loss = await chart?.evaluate(element => element.getAttribute('aria-label'));
    expect(loss).to.match(/held out [23]\.\d+ at 60/);
    expect(complaints).to.deep.equal([]);
    await page.close();
  });

  it('remembers a conversation behind a reload, and forgets it', async () => {
    const page = await open('write?model=shakespeare-storage');
    const remembered = '[aria-label="Remembered conversations"] li';
    await click(page, 'input[type=checkbox]');
    await click(page, '::-p-text(How it chooses)');
    await fill(page, 'max tokens', '8');
    await press(page, 'Write');
    const told = async (): Promise<string | null | undefined> =>
      (await page.waitForSelector(remembered))?.evaluate(({textContent}) => textContent);
    const before = await told();
    // The beginning and what was written, but the last token, which nothing was asked behind.
    expect(before).to.match(/^my conversation: 1[45] tokens/);
    await page.reload();
    expect(await told()).to.equal(before);
    await press(page, 'Forget everything');
    await page.waitForSelector(remembered, {hidden: true});
    expect(complaints).to.deep.equal([]);
    await page.close();
  });
});
