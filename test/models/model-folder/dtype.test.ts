// Models whose files hold their weights in half of the bytes: rounded once, then the same model for every reader.

import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {memory} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import {expect} from 'chai';
import {relativeError, tolerances} from '../../../custom-ops/parity.js';
import type {WeightDType} from '../../../formats/weight-dtype.js';
import {narrow, widen} from '../../../formats/weight-dtype.js';
import type {LanguageModel} from '../../../models/index.js';
import {modelHandler, modelInMemory, writeModel, writePretrained} from '../../../models/index.js';
import {weightsDigest} from '../../../models/model-folder/index.js';
import {readWeights} from '../../../models/model-folder/read.js';
import {ModelFormatError} from '../../../models/model-format.js';
import {
  fileSystem,
  fromPretrained,
  modelInFolder,
  openModel,
  writeModelFolder,
} from '../../../models/node.js';
import {readableBackends, useReadableBackend} from '../../support/backends.js';
import {answers, languageContents} from '../../support/model-folders.js';

const shardBytes = 1000;

async function weightsOf(model: Pick<LanguageModel, 'parameters'>): Promise<Record<string, Float32Array>> {
  const found = model.parameters().map(async ({name, variable}) => [name, await variable.data()] as const);
  return Object.fromEntries(await Promise.all(found)) as Record<string, Float32Array>;
}

function rounded(weights: Record<string, Float32Array>, dtype: WeightDType): Record<string, Float32Array> {
  const through = (numbers: Float32Array): Float32Array =>
    widen(narrow(Float32Array.from(numbers), dtype), dtype);
  return Object.fromEntries(Object.entries(weights).map(([name, numbers]) => [name, through(numbers)]));
}

for (const backend of readableBackends) {
  describe(`models stored in half of the bytes, ${backend}`, () => {
    let path: string;
    before(function () {
      return useReadableBackend(this, backend);
    });
    beforeEach(() => {
      path = join(mkdtempSync(join(tmpdir(), 'bmojo-dtype-')), 'model');
    });
    afterEach(() => rmSync(join(path, '..'), {recursive: true}));

    it('a model folder in float16: every weight rounded once, whoever opens it', async () => {
      const contents = languageContents();
      const before = memory().numTensors;
      const card = await writeModelFolder(path, contents, {dtype: 'float16', shardBytes});
      expect(memory().numTensors).to.equal(before);
      const {weights: whole} = await writeModel(modelInMemory(), contents);
      expect(card.weights).to.deep.include({storage: 'float16', bytes: whole.bytes / 2});
      expect(card.weights.sha256).not.to.equal(whole.sha256);

      const {model} = await openModel(path);
      const original = await weightsOf(contents.model);
      expect(await weightsOf(model)).to.deep.equal(rounded(original, 'float16'));
      expect(await weightsDigest(model)).to.equal(card.weights.sha256);
      const logits = answers(model.model);
      const error = relativeError(logits, answers(contents.model.model));
      expect(error).to.be.above(0).and.below(tolerances.float16.forward);
      for (const handler of [fileSystem(path), modelHandler(modelInFolder(path))]) {
        const loaded = await tfl.loadLayersModel(handler);
        expect(answers(loaded)).to.deep.equal(logits);
        loaded.dispose();
      }
      const arrays = await readWeights(modelInFolder(path));
      expect(arrays.digest).to.equal(card.weights.sha256);
      expect(arrays.weights.map(({data}) => data)).to.deep.equal(Object.values(rounded(original, 'float16')));

      // Stored as float32 again, it is the same model: nothing more is lost.
      const again = await writeModel(modelInMemory(), {...contents, model});
      expect(again.weights.sha256).to.equal(card.weights.sha256);
      expect(again.weights.bytes).to.equal(2 * card.weights.bytes);
      model.model.dispose();
      contents.model.model.dispose();
    });

    for (const dtype of ['float16', 'bfloat16'] as const) {
      it(`a folder of the Hub in ${dtype}: every weight rounded once`, async () => {
        const {model} = languageContents();
        const [whole, store] = [modelInMemory(), modelInMemory()];
        await writePretrained(whole, {model});
        await writePretrained(store, {model}, {dtype, shardBytes});
        const config = JSON.parse(new TextDecoder().decode(store.files.get('config.json')));
        expect(config.dtype).to.equal(dtype);
        const again = await fromPretrained(store);
        const own = await weightsOf(again.model as LanguageModel);
        expect(own).to.deep.equal(rounded(await weightsOf(model), dtype));
        const error = relativeError(answers(again.model.model), answers(model.model));
        expect(error).to.be.above(0).and.below(tolerances[dtype].forward);
        const total = JSON.parse(new TextDecoder().decode(store.files.get('model.safetensors.index.json')));
        expect(total.metadata.total_size).to.equal(2 * model.parameterCount());
        again.model.model.dispose();
        model.model.dispose();
      });
    }
  });
}

describe('weights beyond float16', () => {
  before(function () {
    return useReadableBackend(this, 'wasm');
  });

  it('are refused by name, with what to do; bfloat16 has room for them', async () => {
    const {model} = languageContents();
    const [, second] = model.parameters();
    second.variable.assign(second.variable.add(65_520));
    const store = modelInMemory();
    for (const written of [
      writeModel(store, {model}, {dtype: 'float16'}),
      writePretrained(store, {model}, {dtype: 'float16'}),
    ]) {
      const error = await written.catch(reason => reason);
      expect(error).to.be.instanceOf(ModelFormatError);
      expect(String(error)).to.include(second.name).and.include('which float16 cannot');
    }
    expect(store.files.has('card.json')).to.equal(false);
    expect(store.files.has('config.json')).to.equal(false);
    await writePretrained(modelInMemory(), {model}, {dtype: 'bfloat16'});
    model.model.dispose();
  });
});
