// Models whose matrices a page holds in halves: what they write is what Node writes with them, the choice is in the address and
// in saved states, and what has no place in a format is refused in a sentence.

import {mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import type {Page} from 'playwright-core';
import {byteTokenizer} from '../../data/index.js';
import {generateText, LanguageModel, useBackend} from '../../index.js';
import {asLanguageModel} from '../../models/create.js';
import {heldWeights, weightBytesOf} from '../../models/held-weights.js';
import {openModel, writeModelFolder} from '../../models/node.js';
import {seriousFindings, siteOfSuite, soon, visit} from './site.js';

const tokenizer = byteTokenizer();
const options = {tokenizer, prompt: 'ROMEO:\n', maxTokens: 24, temperature: 0, seed: 1};

async function textOf(folder: string, dtype: 'float32' | 'bfloat16'): Promise<string> {
  const {model} = await openModel(folder, {dtype});
  let text = '';
  for await (const piece of generateText(asLanguageModel(model), options)) text += piece;
  model.model.dispose();
  return text;
}

async function bring(page: Page, folder: string): Promise<void> {
  await page.getByLabel('Choose files').setInputFiles(readdirSync(folder).map(name => join(folder, name)));
}

const heldIn = (page: Page) => page.getByLabel('Held in');
const written = (page: Page) => page.getByRole('region', {name: 'Text'}).textContent();

async function expectFits(page: Page): Promise<void> {
  const overflow = await page.evaluate(() => document.documentElement.scrollWidth - innerWidth);
  expect(overflow, 'wider than the window').to.be.at.most(0);
  expect(await seriousFindings(page)).to.deep.equal([]);
}

describe('demo: models held in halves', function () {
  this.timeout(600_000);
  const shown = siteOfSuite();
  let root: string;
  let folder: string;
  /** One with a number beyond float16's. */
  let large: string;
  let bytes: number;
  const texts = {float32: '', bfloat16: ''};
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'bmojo-held-'));
    [folder, large] = [join(root, 'first'), join(root, 'large')];
    await useBackend('wasm');
    const model = LanguageModel.create({
      ...{preset: 'bmojo', vocabSize: 256, dModel: 16, layers: 2, window: 4, eideticSlots: 4},
      ...{mlp: true, seed: 7},
    });
    await writeModelFolder(folder, {model, tokenizer, title: 'a model of random weights'});
    const table = heldWeights(model.model).find(({name}) => name === 'embedding/table');
    const numbers = Float32Array.from((await table?.numbers()) ?? []);
    numbers[3] = 70_000;
    table?.take(numbers);
    await writeModelFolder(large, {model, tokenizer, title: 'a model of a large weight'});
    model.model.dispose();
    for (const dtype of ['float32', 'bfloat16'] as const) texts[dtype] = await textOf(folder, dtype);
    expect(texts.bfloat16, 'what is rounded is seen').to.not.equal(texts.float32);
    const held = await openModel(folder, {dtype: 'bfloat16'});
    bytes = weightBytesOf(held.model.model);
    held.model.model.dispose();
  });
  after(() => {
    rmSync(root, {recursive: true, force: true});
  });

  for (const width of [390, 1280])
    it(`write what Node writes with them, before a reload and behind it, at ${width} pixels`, () =>
      visit(
        shown,
        'yours',
        async ({page, complaints}) => {
          await heldIn(page).selectOption('bfloat16');
          await page.getByText('half of the memory, and half to read for each token').waitFor();
          await bring(page, folder);
          await page.getByText(`${(bytes / 1000).toPrecision(3)} kB, matrices in bfloat16`).waitFor();
          await expectFits(page);
          await page.getByRole('link', {name: 'Write with it'}).click();
          await page.locator('#model:has(option:checked[value="the-chosen-files"])').waitFor();
          const write = async (): Promise<void> => {
            await page.getByText('How it chooses').click();
            await page.getByLabel('temperature').fill('0');
            await page.getByLabel('max tokens').fill('24');
            await page.getByRole('button', {name: 'Write', exact: true}).click();
            await page.locator('mark').first().waitFor();
          };
          for (const isReload of [false, true]) {
            if (isReload) await page.reload();
            await soon(async () => expect(await heldIn(page).inputValue()).to.equal('bfloat16'));
            await write();
            expect(await written(page)).to.equal(`ROMEO:\n${texts.bfloat16}`);
          }
          await expectFits(page);
          const [file] = await Promise.all([
            page.waitForEvent('download'),
            page.getByRole('button', {name: 'Save the state'}).click(),
          ]);
          // Chosen otherwise, the model says what it said in float32; its state brings the choice back.
          await heldIn(page).selectOption('float32');
          await page.waitForURL(/model=the-chosen-files$/);
          await page.getByLabel('Add to the text, or begin another with').fill('ROMEO:\n');
          await page.getByRole('button', {name: 'Write another'}).click();
          await page.locator('mark').first().waitFor();
          expect(await written(page)).to.equal(`ROMEO:\n${texts.float32}`);
          await page.getByLabel('Restore a state').setInputFiles(await file.path());
          await soon(async () => expect(await written(page)).to.equal(`ROMEO:\n${texts.bfloat16}`));
          expect(await heldIn(page).inputValue()).to.equal('bfloat16');
          expect(page.url()).to.include('dtype=bfloat16');
          expect(complaints).to.deep.equal([]);
        },
        {webgpu: false, width},
      ));

  it('are looked into, also with another memory', () =>
    visit(
      shown,
      'yours?dtype=float16',
      async ({page, complaints}) => {
        await bring(page, folder);
        await page.getByRole('link', {name: 'Look into its memory'}).click();
        await page.getByText(/^230 tokens, on/).waitFor();
        expect(page.url()).to.include('dtype=float16');
        await page.getByLabel('Slots').fill('1');
        await page.getByLabel('Slots').press('Tab');
        await page.locator('#effect').waitFor();
        await heldIn(page).selectOption('float32');
        await page.waitForURL(url => !url.hash.includes('dtype'));
        await page.getByText(/^230 tokens, on/).waitFor();
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false, width: 390},
    ));

  it('are refused with the name of the weight that has no place in float16, and held in bfloat16', () =>
    visit(
      shown,
      'yours?dtype=float16',
      async ({page}) => {
        await bring(page, large);
        await page.getByRole('alert').waitFor();
        expect(await page.getByRole('alert').textContent()).to.equal(
          'This cannot be done as asked: the-chosen-files cannot be held in float16: its weight embedding/table holds 70000, and the largest number of float16 is 65,504. Have it held in bfloat16 or in float32',
        );
        await heldIn(page).selectOption('bfloat16');
        await bring(page, large);
        await page.getByText('matrices in bfloat16').waitFor();
        expect(await page.getByRole('alert').count()).to.equal(0);
      },
      {webgpu: false},
    ));
});
