// The pages Your model and Write: a folder from the disk opens, writes the text that Node writes, its state is saved and
// restored; a damaged one is told in a sentence.

import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import type {Page} from 'playwright-core';
import {byteTokenizer} from '../../data/index.js';
import {generateText, LanguageModel, useBackend} from '../../index.js';
import {writeModelFolder, writePretrainedFolder} from '../../models/node.js';
import {chromiumOrSkip} from '../support/browser.js';
import type {Site} from './site.js';
import {seriousFindings, serveSite, visit} from './site.js';

const filesOf = (folder: string): string[] => readdirSync(folder).map(name => join(folder, name));

async function bring(page: Page, folder: string): Promise<void> {
  await page.getByLabel('Choose files').setInputFiles(filesOf(folder));
}

describe('demo: your model, write', function () {
  this.timeout(300_000);
  let chromium: string;
  let site: Site;
  let folder: string;
  let expected = '';
  before(async function () {
    chromium = chromiumOrSkip(this);
    site = await serveSite();
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
    site?.close();
    rmSync(join(folder, '..'), {recursive: true, force: true});
  });

  it('opens a folder of the disk, and says what it is', () =>
    visit(
      chromium,
      site,
      'yours',
      async ({page, complaints}) => {
        await bring(page, folder);
        await page.getByText('bmojo train lm').waitFor();
        expect(await page.locator('main').textContent()).to.include('a model of random weights');
        expect(await seriousFindings(page)).to.deep.equal([]);
        await page.getByRole('button', {name: /^Delete/}).click();
        await page.getByRole('button', {name: /^Delete/}).waitFor({state: 'detached'});
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false, width: 390},
    ));

  it('opens a folder of Hugging Face, and writes with it what Node writes', async () => {
    const tokenizer = byteTokenizer();
    const given = {vocabSize: 256, dModel: 16, layers: 2, heads: 4, mlp: true, seed: 9} as const;
    const model = LanguageModel.create({preset: 'transformer', ...given});
    const hub = join(folder, '..', 'hub');
    await writePretrainedFolder(hub, {model, tokenizer});
    let written = '';
    for await (const piece of generateText(model, {
      tokenizer,
      prompt: 'ROMEO:\n',
      maxTokens: 24,
      temperature: 0,
    }))
      written += piece;
    model.model.dispose();
    await visit(
      chromium,
      site,
      'yours',
      async ({page}) => {
        await bring(page, hub);
        await page.getByText('model of Hugging Face, llama').first().waitFor();
        await page.getByRole('link', {name: 'Write with it'}).click();
        await page.getByLabel('Model').selectOption('model');
        await page.getByText('How it chooses').click();
        await page.getByLabel('temperature').fill('0');
        await page.getByLabel('max tokens').fill('24');
        await page.getByRole('button', {name: 'Write', exact: true}).click();
        await page.waitForFunction(
          length => (document.querySelector('.sample')?.textContent?.length ?? 0) >= length,
          'ROMEO:\n'.length + written.length,
        );
        const text = (await page.getByRole('region', {name: 'Text'}).textContent()) ?? '';
        expect(text.slice(0, 'ROMEO:\n'.length + written.length)).to.equal(`ROMEO:\n${written}`);
      },
      {webgpu: false},
    );
  });

  it('tells in a sentence what is damaged, and keeps nothing of it', () =>
    visit(
      chromium,
      site,
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
        chromium,
        site,
        'yours',
        async ({page, complaints}) => {
          await bring(page, folder);
          await page.getByRole('link', {name: 'Write with it'}).click();
          await page.getByLabel('Model').selectOption('the-chosen-files');
          await page.getByText('How it chooses').click();
          await page.getByLabel('temperature').fill('0');
          await page.getByLabel('max tokens').fill('24');
          await page.getByRole('button', {name: 'Write', exact: true}).click();
          await page.locator('mark').first().waitFor();
          const text = (await page.getByRole('region', {name: 'Text'}).textContent()) ?? '';
          expect(text.slice(0, 'ROMEO:\n'.length + expected.length)).to.equal(`ROMEO:\n${expected}`);
          expect(await page.locator('main [role=status]').textContent()).to.include(
            webgpu ? 'webgpu' : 'wasm',
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
          await page.reload();
          await page.getByLabel('Restore a state').setInputFiles(await download.path());
          await page.locator('mark').first().waitFor();
          expect(await page.getByRole('region', {name: 'Text'}).textContent()).to.equal(text);
          await page.getByText('How it chooses').click();
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
