// Long-term memory in the browser's own database: what was read is remembered behind a reload, as Node remembers it, and
// forgotten when told.

import {join} from 'node:path';
import {expect} from 'chai';
import type {Page} from 'playwright-core';
import {DecodingSession, generateText, memoryFormat, useBackend} from '../../index.js';
import {memoryInProcess} from '../../memory/index.js';
import {asLanguageModel} from '../../models/create.js';
import {openModel} from '../../models/node.js';
import {seriousFindings, siteOfSuite, visit} from '../demo/site.js';

const shipped = join(import.meta.dirname, '../../../demo/public/models/shakespeare-storage');
/** Longer than the windows, so that it is in storage when the second text is written. */
const first = `${'MENENIUS:\nThe gods be good to us!\n'.repeat(6)}SICINIUS:\n`;
const second = 'SICINIUS:\n';
const options = {maxTokens: 24, temperature: 1, seed: 8};

/** Both texts, the second in a conversation that remembers the first where `stream` is the same. */
async function inNode(streams: readonly string[]): Promise<string[]> {
  await useBackend('wasm');
  const {model: opened, tokenizer, card} = await openModel(shipped);
  const model = asLanguageModel(opened);
  try {
    if (tokenizer === undefined || card === undefined) throw new Error('the shipped model has both');
    const weights = card.weights.sha256;
    const store = memoryInProcess(memoryFormat(model, {weights, precision: 'f16'}));
    const texts: string[] = [];
    for (const [i, prompt] of [first, second].entries()) {
      const session = new DecodingSession(model, {weights, memory: {store, stream: streams[i]}});
      let text = '';
      for await (const piece of generateText(model, {...options, tokenizer, prompt, session})) text += piece;
      await session.settle();
      session.dispose();
      texts.push(prompt + text);
    }
    return texts;
  } finally {
    model.model.dispose();
  }
}

async function write(page: Page, prompt: string): Promise<string> {
  await page.getByLabel('Model').selectOption('shakespeare-storage');
  await page.getByLabel('Remember this conversation as').check();
  await page.getByLabel('Name of the conversation').fill('anna');
  await page.getByText('How it chooses').click();
  await page.getByLabel('temperature').fill(String(options.temperature));
  await page.getByLabel('seed').fill(String(options.seed));
  await page.getByLabel('max tokens').fill(String(options.maxTokens));
  await page.getByLabel('Begin with').fill(prompt);
  await page.getByRole('button', {name: 'Write', exact: true}).click();
  await page.getByRole('button', {name: 'Go on', disabled: false}).waitFor();
  return (await page.getByRole('region', {name: 'Text'}).textContent()) ?? '';
}

const tokens = async (page: Page): Promise<number> =>
  Number(/anna: (\d+) tokens/.exec((await page.getByText(/anna: \d+ tokens/).textContent()) ?? '')?.[1]);

describe('demo: long-term memory', function () {
  this.timeout(600_000);
  const shown = siteOfSuite();

  it('remembers behind a reload what Node remembers, lists it, and forgets it', async () => {
    const expected = await inNode(['anna', 'anna']);
    expect(expected[1], 'the memory changes the text').to.not.equal((await inNode(['anna', 'bob']))[1]);
    await visit(
      shown,
      'write',
      async ({page, complaints}) => {
        expect(await write(page, first)).to.equal(expected[0]);
        const read = await tokens(page);
        await page.getByText(/storage had \d+\.\d\d % of the attention/).waitFor();
        expect(read).to.be.within(first.length, first.length + options.maxTokens);
        expect(await seriousFindings(page)).to.deep.equal([]);
        await page.reload();
        await page.getByLabel('Model').selectOption('shakespeare-storage');
        expect(await tokens(page)).to.equal(read);
        expect(await write(page, second)).to.equal(expected[1]);
        expect(await tokens(page)).to.be.above(read);
        await page.getByRole('button', {name: 'Forget anna'}).click();
        await page.getByText(/anna: \d+ tokens/).waitFor({state: 'detached'});
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false, width: 390},
    );
  });
});
