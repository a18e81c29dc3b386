// The pages Your model and Write: a folder from the disk opens, writes the text that Node writes, its state is saved and
// restored; a damaged one is told in a sentence.

import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import type {Page} from 'playwright-core';
import {byteTokenizer, charTokenizer} from '../../data/index.js';
import {generateText, LanguageModel, useBackend} from '../../index.js';
import {fromPretrained, writeModelFolder, writePretrainedFolder} from '../../models/node.js';
import {seriousFindings, siteOfSuite, soon, visit} from './site.js';

const filesOf = (folder: string): string[] => readdirSync(folder).map(name => join(folder, name));

/** Ids of the model of Hugging Face behind those of its tokenizer. */
const PADDING = 200;

/** What the model of Hugging Face, whose weights are random, writes neither first nor never. */
const STOP = 'l';

/** The template of a tokenizer.json that puts a token before every text. */
const beginsWith = (token: string, ids: readonly number[]) => ({
  type: 'TemplateProcessing',
  single: [{SpecialToken: {id: token, type_id: 0}}, {Sequence: {id: 'A', type_id: 0}}],
  pair: [{Sequence: {id: 'A', type_id: 0}}, {Sequence: {id: 'B', type_id: 1}}],
  special_tokens: {[token]: {id: token, ids, tokens: [token]}},
});

async function bring(page: Page, folder: string): Promise<void> {
  await page.getByLabel('Choose files').setInputFiles(filesOf(folder));
}

describe('demo: your model, write', function () {
  this.timeout(600_000);
  const shown = siteOfSuite();
  let folder: string;
  let expected = '';
  before(async () => {
    folder = join(mkdtempSync(join(tmpdir(), 'bmojo-yours-')), 'first');
    await useBackend('wasm');
    const tokenizer = byteTokenizer();
    const model = LanguageModel.create({
      preset: 'bmojo',
      vocabSize: 256,
      dModel: 16,
      layers: 2,
      window: 4,
      eideticSlots: 4,
      mlp: true,
      seed: 5,
    });
    await writeModelFolder(folder, {
      model,
      tokenizer,
      title: 'a model of random weights',
      command: 'bmojo train lm',
    });
    const options = {tokenizer, prompt: 'ROMEO:\n', maxTokens: 24, temperature: 0, seed: 1};
    for await (const piece of generateText(model, options)) expected += piece;
    model.model.dispose();
  });
  after(() => {
    rmSync(join(folder, '..'), {recursive: true, force: true});
  });

  it('opens a folder of the disk, and says what it is', () =>
    visit(
      shown,
      'yours',
      async ({page, complaints}) => {
        await bring(page, folder);
        await page.getByText('bmojo train lm').waitFor();
        expect(await page.locator('main').textContent()).to.include('a model of random weights');
        expect(await seriousFindings(page)).to.deep.equal([]);
        await page.getByRole('link', {name: 'Look into its memory'}).click();
        // A passage of text, since that is what it reads.
        await page.getByText(/^230 tokens, on/).waitFor();
        await page.goBack();
        await page.getByRole('button', {name: /^Delete/}).click();
        await page.getByRole('button', {name: /^Delete/}).waitFor({state: 'detached'});
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false, width: 390},
    ));

  it('keeps models that are called the same beside each other, and one that comes again once', () =>
    visit(
      shown,
      'yours',
      async ({page}) => {
        const told = page.getByRole('region', {name: 'The model'});
        await bring(page, folder);
        await told.getByText('a model of random weights').waitFor();
        await bring(page, join(import.meta.dirname, '../../../demo/public/models/recall-mamba'));
        await told.getByText('mamba on mqar-mixture').waitFor();
        await told.getByText('the-chosen-files-2', {exact: true}).waitFor();
        await told.getByText('31,640', {exact: true}).waitFor();
        await bring(page, folder);
        await told.getByText('a model of random weights').waitFor();
        await told.getByText('the-chosen-files', {exact: true}).waitFor();
        await soon(async () =>
          expect(await page.getByRole('button', {name: /^Delete/}).allTextContents()).to.deep.equal([
            'Delete the-chosen-files',
            'Delete the-chosen-files-2',
          ]),
        );
      },
      {webgpu: false},
    ));

  it('opens a folder of Hugging Face, of characters with ids around a text, and writes with it what Node writes', async () => {
    const tokenizer = charTokenizer([...'\n :EMORabcdefghijklmnopqrstuvwxyz']);
    const given = {
      vocabSize: tokenizer.vocabSize + PADDING,
      dModel: 16,
      layers: 2,
      heads: 4,
      mlp: true,
      seed: 9,
    } as const;
    const made = LanguageModel.create({preset: 'transformer', ...given});
    const hub = join(folder, '..', 'hub');
    const [stop] = tokenizer.encode(STOP);
    await writePretrainedFolder(hub, {model: made, tokenizer, stopTokens: [stop]});
    made.model.dispose();
    const file = join(hub, 'tokenizer.json');
    const json = JSON.parse(readFileSync(file, 'utf8'));
    writeFileSync(
      file,
      JSON.stringify({...json, post_processor: beginsWith('a', [...tokenizer.encode('a')])}),
    );
    const {model, startTokens, stopTokens, ...opened} = await fromPretrained(hub);
    expect([startTokens, stopTokens]).to.deep.equal([[...tokenizer.encode('a')], [stop]]);
    const options = {prompt: 'ROMEO:\n', maxTokens: 24, temperature: 0, stopToken: stopTokens, startTokens};
    let written = '';
    for await (const piece of generateText(model, {...options, tokenizer: opened.tokenizer!}))
      written += piece;
    model.model.dispose();
    expect(written.length, 'the model ends its text').to.be.within(1, 23);
    await visit(
      shown,
      'yours',
      async ({page}) => {
        await bring(page, hub);
        await page.getByText('model of Hugging Face, llama').first().waitFor();
        await page.getByRole('link', {name: 'Write with it'}).click();
        await page.locator('#model:has(option:checked[value="model"])').waitFor();
        await page.getByText('How it chooses').click();
        await page.getByLabel('temperature').fill('0');
        await page.getByLabel('max tokens').fill('24');
        await page.getByRole('button', {name: 'Write', exact: true}).click();
        await page.getByText('The model has ended its text.').waitFor();
        await soon(async () => {
          const text = await page.getByRole('region', {name: 'Text'}).textContent();
          expect(text).to.equal(`ROMEO:\n${written}`);
        });
        // Most ids of this model are none of the tokenizer's: the page shows them as numbers, and writes none.
        await page.goto(`${page.url().split('#')[0]}#/microscope?model=model&text=ROMEO`);
        const expected = page.getByRole('region', {name: 'What comes next'});
        await expected
          .getByText(/^#\d+$/)
          .first()
          .waitFor();
      },
      {webgpu: false},
    );
  });

  it('tells in a sentence what is damaged, and keeps nothing of it', () =>
    visit(
      shown,
      'yours',
      async ({page}) => {
        const damaged = mkdtempSync(join(tmpdir(), 'bmojo-damaged-'));
        for (const path of filesOf(folder)) {
          const bytes = readFileSync(path);
          if (path.endsWith('.bin')) bytes[7] ^= 1;
          writeFileSync(join(damaged, path.split('/').at(-1)!), bytes);
        }
        await bring(page, damaged);
        const words = await page.getByRole('alert').textContent();
        expect(words).to.match(/is damaged: its SHA-256 is not the one in card\.json/);
        expect(await page.getByRole('button', {name: /^Delete/}).count()).to.equal(0);
        rmSync(damaged, {recursive: true});
      },
      {webgpu: false},
    ));

  for (const webgpu of [true, false]) {
    it(`writes what Node writes, on ${webgpu ? 'webgpu' : 'wasm'}, and goes on from a saved state`, () =>
      visit(
        shown,
        'yours',
        async ({page, complaints}) => {
          await bring(page, folder);
          await page.getByRole('link', {name: 'Write with it'}).click();
          await page.locator('#model:has(option:checked[value="the-chosen-files"])').waitFor();
          await page.getByText('How it chooses').click();
          await page.getByLabel('temperature').fill('0');
          await page.getByLabel('max tokens').fill('24');
          await page.getByRole('button', {name: 'Write', exact: true}).click();
          await page.locator('mark').first().waitFor();
          const text = (await page.getByRole('region', {name: 'Text'}).textContent()) ?? '';
          expect(text.slice(0, 'ROMEO:\n'.length + expected.length)).to.equal(`ROMEO:\n${expected}`);
          await soon(async () => {
            const status = await page.locator('main [role=status]').textContent();
            expect(status).to.include(webgpu ? 'webgpu' : 'wasm');
          });
          const another = page.getByRole('button', {name: 'Write another'});
          await soon(async () =>
            expect(await another.isDisabled(), 'another text needs a beginning').to.equal(true),
          );
          const [download] = await Promise.all([
            page.waitForEvent('download'),
            page.getByRole('button', {name: 'Save the state'}).click(),
          ]);
          await page.getByRole('button', {name: 'Go on'}).click();
          await page.waitForFunction(
            length => (document.querySelector('.sample')?.textContent?.length ?? 0) > length,
            text.length,
          );
          await page.locator('mark').first().waitFor();
          const further = await page.getByRole('region', {name: 'Text'}).textContent();
          // Software in the place of a GPU would compile everything anew behind a reload.
          if (!webgpu) await page.reload();
          await page.getByLabel('Restore a state').setInputFiles(await download.path());
          await page.waitForFunction(
            wanted => document.querySelector('.sample')?.textContent === wanted,
            text,
          );
          if (!webgpu) await page.getByText('How it chooses').click();
          await page.getByLabel('temperature').fill('0');
          await page.getByLabel('max tokens').fill('24');
          await page.getByRole('button', {name: 'Go on'}).click();
          await page.waitForFunction(
            length => (document.querySelector('.sample')?.textContent?.length ?? 0) > length,
            text.length,
          );
          await page.locator('mark').first().waitFor();
          expect(await page.getByRole('region', {name: 'Text'}).textContent()).to.equal(further);
          expect(complaints.filter(words => !/404/.test(words))).to.deep.equal([]);
        },
        {webgpu},
      ));
  }
});
