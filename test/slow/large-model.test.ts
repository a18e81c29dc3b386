// A model of many shards: written from its tensors one at a time, so that no copy of all weights is ever made, and read back
// bit for bit.

import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {LanguageModel} from '../../models/index.js';
import {weightsDigest} from '../../models/model-folder/index.js';
import {openModel, writeModelFolder} from '../../models/node.js';
import {heldBytes} from '../support/collect.js';

describe('a large model folder', () => {
  let folder: string;
  before(async () => {
    await useBackend('wasm');
    folder = mkdtempSync(join(tmpdir(), 'bmojo-large-'));
  });
  after(() => rmSync(folder, {recursive: true}));

  it('is written without a copy of the weights, in shards of 32 MB at most', async () => {
    const model = LanguageModel.create({dModel: 512, heads: 8, layers: 10, mlp: true, vocabSize: 256});
    const before = heldBytes();
    let most = 0;
    const started = performance.now();
    const card = await writeModelFolder(
      join(folder, 'model'),
      {model},
      {
        onProgress: () => {
          most = Math.max(most, heldBytes() - before);
        },
      },
    );
    const seconds = (performance.now() - started) / 1000;
    const shards = card.files.filter(file => file.path.endsWith('.bin'));
    expect(card.weights.bytes).to.be.above(150e6);
    expect(Math.max(...shards.map(file => file.bytes))).to.equal(32_000_000);
    expect(most, `of ${card.weights.bytes} bytes`).to.be.below(card.weights.bytes / 2);
    console.log(
      `      ${(card.weights.bytes / 1e6).toFixed(0)} MB in ${seconds.toFixed(1)} s, at most ${(most / 1e6).toFixed(0)} MB held`,
    );
    const opened = await openModel(join(folder, 'model'));
    expect(await weightsDigest(opened.model)).to.equal(card.weights.sha256);
  });
});
