// A model folder gives back the model that was written, bit for bit, whatever it lies in and whoever opens it.

import {createHash} from 'node:crypto';
import {mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {memory} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import {expect} from 'chai';
import {VERSION} from '../../../config/version.js';
import {encodeSafetensors} from '../../../formats/safetensors.js';
import type {ModelProgress, OpenedModel} from '../../../models/model-folder/index.js';
import {
  copyModel,
  modelHandler,
  modelInFiles,
  modelInMemory,
  writeModel,
} from '../../../models/model-folder/index.js';
import {fileSystem, modelInFolder, openModel, writeModelFolder} from '../../../models/node.js';
import {arraySources} from '../../../train/snapshot.js';
import {readableBackends, useReadableBackend} from '../../support/backends.js';
import {
  answers,
  encoderContents,
  languageContents,
  tokenizer,
  training,
} from '../../support/model-folders.js';
import {heldArrays} from '../../support/snapshots.js';
import {warnings} from '../../support/warnings.js';

const shardBytes = 4000;

for (const backend of readableBackends) {
  describe(`model folders, ${backend}`, () => {
    let path: string;
    before(function () {
      return useReadableBackend(this, backend);
    });
    beforeEach(() => {
      path = join(mkdtempSync(join(tmpdir(), 'bmojo-folder-')), 'model');
    });
    afterEach(() => rmSync(join(path, '..'), {recursive: true}));

    it('give back a language model with its tokenizer and card', async () => {
      const generation = {stopTokens: [3, 4], startTokens: [1]};
      const contents = {...languageContents(), generation};
      const expected = answers(contents.model.model);
      const before = memory().numTensors;
      const card = await writeModelFolder(path, contents, {shardBytes});
      expect(memory().numTensors).to.equal(before);
      const opened = await openModel(path);
      expect(answers(opened.model.model)).to.deep.equal(expected);
      expect(opened.tokenizer?.encode('abc')).to.deep.equal(tokenizer.encode('abc'));
      expect(opened.card).to.deep.equal(card);
      expect(card).to.deep.include({
        training,
        generation,
        command: contents.command,
        bmojo: VERSION,
        format: 1,
      });
      expect(card.model).to.deep.equal({
        config: contents.model.config,
        parameters: contents.model.parameterCount(),
      });
      opened.model.model.dispose();
      contents.model.model.dispose();
    });

    it('give back an auto-encoder', async () => {
      const contents = encoderContents();
      await writeModelFolder(path, contents);
      const {model, tokenizer: none} = await openModel(path);
      expect(answers(model.model)).to.deep.equal(answers(contents.model.model));
      expect(model.config).to.deep.equal(contents.model.config);
      expect(none).to.equal(undefined);
      expect(model.parameterCount()).to.equal(contents.model.parameterCount());
    });

    it('are opened by tf.loadLayersModel, from files and through the checks of openModel', async () => {
      const contents = languageContents();
      const expected = answers(contents.model.model);
      await writeModelFolder(path, contents, {shardBytes});
      for (const handler of [
        fileSystem(path),
        fileSystem(join(path, 'model.json')),
        modelHandler(modelInFolder(path)),
      ]) {
        const loaded = await tfl.loadLayersModel(handler);
        expect(answers(loaded)).to.deep.equal(expected);
        loaded.dispose();
      }
    });
  });
}

describe('a model folder', () => {
  let path: string;
  before(function () {
    return useReadableBackend(this, 'wasm');
  });
  beforeEach(() => {
    path = join(mkdtempSync(join(tmpdir(), 'bmojo-folder-')), 'model');
  });
  afterEach(() => rmSync(join(path, '..'), {recursive: true}));

  it('lists every file with its bytes and SHA-256, and shards no larger than asked', async () => {
    const {files} = await writeModelFolder(path, languageContents(), {shardBytes});
    expect(files.map(file => file.path).sort()).to.deep.equal(
      readdirSync(path)
        .filter(name => name !== 'card.json')
        .sort(),
    );
    expect(files.filter(file => file.path.endsWith('.bin')).length).to.be.above(3);
    for (const {path: name, bytes, sha256} of files) {
      const content = readFileSync(join(path, name));
      expect(content.length, name).to.equal(bytes);
      expect(createHash('sha256').update(content).digest('hex'), name).to.equal(sha256);
      if (name.endsWith('.bin')) expect(bytes).to.be.at.most(shardBytes);
    }
  });

  it('has the digest of a checkpoint of the same weights, however it is cut', async () => {
    const contents = languageContents();
    const bytes = encodeSafetensors(await heldArrays(arraySources(contents.model.parameters())));
    const checkpoint = createHash('sha256').update(bytes).digest('hex');
    for (const most of [shardBytes, undefined]) {
      const card = await writeModelFolder(path, contents, {shardBytes: most});
      expect(card.weights.sha256).to.equal(checkpoint);
    }
  });

  it('replaces an older one and keeps what else lies there', async () => {
    await writeModelFolder(path, languageContents(), {shardBytes});
    writeFileSync(join(path, 'NOTES.md'), 'mine');
    const contents = encoderContents();
    await writeModelFolder(path, contents);
    expect(readFileSync(join(path, 'NOTES.md'), 'utf8')).to.equal('mine');
    expect(readdirSync(path).sort()).to.deep.equal([
      'NOTES.md',
      'card.json',
      'model.json',
      'weights-00001-of-00001.bin',
    ]);
    expect(readdirSync(join(path, '..'))).to.deep.equal(['model']);
    const {model} = await openModel(path);
    expect(answers(model.model)).to.deep.equal(answers(contents.model.model));
  });

  it('tells how far reading is, byte by byte of every file', async () => {
    const {files} = await writeModelFolder(path, languageContents(), {shardBytes});
    const total = files.reduce((sum, {bytes}) => sum + bytes, 0);
    const seen: ModelProgress[] = [];
    await openModel(path, {onProgress: progress => seen.push(progress)});
    expect(seen.every(progress => progress.total === total)).to.equal(true);
    expect(seen.at(-1)?.loaded).to.equal(total);
    expect(new Set(seen.map(progress => progress.path)).size).to.equal(files.length);
    expect(seen.every(({loaded}, i) => i === 0 || loaded >= seen[i - 1].loaded)).to.equal(true);
  });

  it('stops reading when the signal is given', async () => {
    await writeModelFolder(path, languageContents(), {shardBytes});
    const controller = new AbortController();
    const reason = await openModel(path, {
      signal: controller.signal,
      onProgress: ({loaded}) => loaded > 20_000 && controller.abort(new Error('enough')),
    }).catch(error => error);
    expect(String(reason)).to.equal('Error: enough');
  });

  it('is the same in memory, among files that were chosen, and copied from place to place', async () => {
    const contents = languageContents();
    const expected = answers(contents.model.model);
    const first = modelInMemory();
    await writeModel(first, contents, {shardBytes});
    const files = [...first.files].map(([name, bytes]) => ({
      path: `run/model/${name}`,
      file: new Blob([bytes]),
    }));
    const second = modelInMemory();
    await copyModel(modelInFiles(files), second);
    expect([...second.files]).to.deep.equal([...first.files]);
    const {model} = await openModel(second);
    expect(answers(model.model)).to.deep.equal(expected);
  });

  it('among the files of a run is that of the best weights', async () => {
    const parts = ['last', 'best'].map(async weights => {
      const folder = modelInMemory();
      await writeModel(folder, {...languageContents(), title: weights});
      return [...folder.files].map(([name, bytes]) => ({
        path: `run/${weights === 'best' ? 'model-best' : 'model'}/${name}`,
        file: new Blob([bytes]),
      }));
    });
    const {card} = await openModel(modelInFiles((await Promise.all(parts)).flat()));
    expect(card?.title).to.equal('best');
  });

  it('of version 0.1.0 opens with one warning and the logits of its run, and is written anew with a card', async () => {
    const root = join(import.meta.dirname, '../../../../test/fixtures/v0.1.0');
    for (const name of ['mqar', 'hybrid', 'lm']) {
      const old = join(root, name, 'model');
      const plain = await tfl.loadLayersModel(fileSystem(old));
      let opened: OpenedModel | undefined;
      const said = await warnings(async () => {
        opened = await openModel(old);
      });
      expect(said.length, said.join()).to.equal(1);
      expect(said[0]).to.include('has no card.json');
      const {model, card} = opened!;
      expect(card).to.equal(undefined);
      expect(answers(model.model)).to.deep.equal(answers(plain));
      await writeModelFolder(path, {model});
      expect(answers((await openModel(path)).model.model)).to.deep.equal(answers(plain));
    }
  });

  it('is small beside its weights', async () => {
    const {weights} = await writeModelFolder(path, languageContents());
    const whole = readdirSync(path).reduce((sum, name) => sum + statSync(join(path, name)).size, 0);
    expect(whole - weights.bytes).to.be.below(16_000);
  });
});
