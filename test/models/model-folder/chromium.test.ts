// A model folder in Chromium: by address, with tf.loadLayersModel and with our door; chosen, stored, cut off, written there.

import {fileURLToPath} from 'node:url';
import {expect} from 'chai';
import type {Page} from 'playwright-core';
import {useBackend} from '../../../custom-ops/index.js';
import {chatTemplateOf} from '../../../data/tokenizers/index.js';
import {writePretrained} from '../../../models/hugging-face/index.js';
import type {MemoryFolder} from '../../../models/model-folder/index.js';
import {modelInMemory, openModel, writeModel} from '../../../models/model-folder/index.js';
import type {Opened} from '../../browser/model-page.js';
import {chromiumOrSkip, withPage} from '../../support/browser.js';
import {expectClose} from '../../support/error.js';
import {answers, languageContents, tokenizer} from '../../support/model-folders.js';
import type {ModelServer} from '../../support/model-server.js';
import {serveModel} from '../../support/model-server.js';

const entry = fileURLToPath(new URL('../../browser/model-page.js', import.meta.url));
/** A chat template of the few letters that the tokenizer has. */
const TEMPLATE = "{% for message in messages %}{{ 'c' + message['content'] + 'c' }}{% endfor %}";
const shard = 'weights-00002-of-00007.bin';

describe('model folders in Chromium', () => {
  let folder: MemoryFolder;
  let server: ModelServer;
  let expected: number[];
  let opened: Opened;
  let asked: string[];
  let refusal: {name: string; message: string};
  let held: number;
  let inWorker: number[];
  let pretrained: {logits: number[]; ids: number[]};
  let ofHalves: {inPage: number[][]; inNode: number[]};
  const complaints: string[] = [];

  before(async function () {
    this.timeout(300_000);
    const path = chromiumOrSkip(this);
    await useBackend('cpu');
    folder = modelInMemory();
    const contents = languageContents();
    expected = answers(contents.model.model);
    await writeModel(folder, {...contents, title: 'letters'}, {shardBytes: 4000});
    const hub = modelInMemory();
    const chatTemplate = await chatTemplateOf({chat_template: TEMPLATE});
    await writePretrained(hub, {...contents, chatTemplate});
    const ofHub = await serveModel(hub);
    server = await serveModel(folder, {waits: true});
    server.cuts.set(shard, [1000]);
    await withPage(path, entry, async page => {
      // Before complaints are counted: of files that a folder need not have, Chromium tells each.
      pretrained = await page.evaluate(from => window.openPretrained(from, 'abba'), ofHub.address);
      page.on('console', message => complaints.push(message.text()));
      await visit(page);
    });
    ofHub.close();
    server.close();
  });

  async function visit(page: Page): Promise<void> {
    const {address} = server;
    opened = await page.evaluate(from => window.openEverywhere(from), address);
    asked = [...server.asked];
    inWorker = await page.evaluate(from => window.copyInWorker(from), address);
    held = await page.evaluate(from => window.beginCopy(from, 9000), address);
    const halves = modelInMemory();
    await writeModel(halves, languageContents(), {dtype: 'float16', shardBytes: 4000});
    const served = await serveModel(halves);
    ofHalves = {
      inPage: await page.evaluate(from => window.openTwice(from), served.address),
      inNode: answers((await openModel(halves)).model.model),
    };
    served.close();
    const bytes = folder.files.get(shard);
    if (bytes !== undefined) bytes[5] ^= 1;
    refusal = await page.evaluate(from => window.refusalOf(from), address);
    if (bytes !== undefined) bytes[5] ^= 1;
  }

  it('give the same logits bit for bit, whoever opens them and wherever they lie', () => {
    expect(Object.keys(opened.logits)).to.have.length(5);
    for (const [way, logits] of Object.entries(opened.logits)) {
      expect(logits, way).to.deep.equal(opened.logits.openModel);
      expectClose(logits, expected, 1e-5, `${way} beside Node`);
    }
    expect(inWorker).to.deep.equal(opened.logits.openModel);
  });

  it('of the Hub give the same logits, and the same ids of a conversation', async () => {
    expectClose(pretrained.logits, expected, 1e-5, 'beside Node');
    expect(pretrained.ids).to.deep.equal([...tokenizer.encode('cabbac')]);
  });

  it('stored as float16 give the same logits by our door and by that of tf', () => {
    const [own, ofTf] = ofHalves.inPage;
    expect(ofTf).to.deep.equal(own);
    expectClose(own, ofHalves.inNode, 1e-5, 'beside Node');
    expect(own).not.to.deep.equal(opened.logits.openModel);
  });

  it('bring tokenizer and card, and tell the bytes of every file', () => {
    expect(opened.tokens).to.deep.equal([...tokenizer.encode('abc')]);
    expect(opened.title).to.equal('letters');
    const total = [...folder.files].reduce(
      (sum, [name, {length}]) => sum + (name === 'card.json' ? 0 : length),
      0,
    );
    expect(opened.progress.at(-1)).to.deep.include({loaded: total, total});
  });

  it('go on by Range where the connection broke', () => {
    expect(asked).to.include(`${shard} from 1000`);
  });

  it('are stored whole, with what came before a copy broke off', () => {
    expect(opened.stored).to.deep.equal([...folder.files.keys()].sort());
    expect(held).to.be.within(4000, 25_000);
  });

  it('written in a page are opened by Node', async () => {
    const written = modelInMemory();
    for (const [name, bytes] of opened.written) written.files.set(name, Uint8Array.from(bytes));
    const {model, card} = await openModel(written);
    expect(answers(model.model)).to.deep.equal(expected);
    expect(card?.title).to.equal('from a page');
  });

  it('are refused in the same words as elsewhere, without a command line', () => {
    expect(refusal.name).to.equal('ModelFormatError');
    expect(refusal.message).to.include(`${shard} is damaged: its SHA-256 is not the one in card.json`);
    expect(refusal.message).not.to.match(/--|bmojo (train|model|generate)/);
    expect(complaints.filter(words => !/looks like you are running|net::ERR/.test(words))).to.deep.equal([]);
  });
});
