// What leaves in a layout of the Hub comes back as the same model, bit for bit, and says which layout it is.

import {expect} from 'chai';
import {useBackend} from '../../../custom-ops/index.js';
import {byteTokenizer, charTokenizer, tokenizerFromJSON} from '../../../data/tokenizers/index.js';
import {LanguageModel, modelInMemory, writePretrained} from '../../../models/index.js';
import {fromPretrained} from '../../../models/node.js';
import {goldenModels, wholeLogits} from '../../support/golden-models.js';
import {ownModels} from '../../support/own-models.js';
import {tinyBpe} from '../../support/tiny-bpe.js';

const ids = [[1, 5, 9, 2, 6, 5, 3, 39]];
const small = {vocabSize: 40, dModel: 16, layers: 2, heads: 4, stateSize: 4, seed: 7} as const;

describe('writePretrained', () => {
  before(() => useBackend('cpu'));

  for (const [name, {given, type}] of Object.entries(ownModels)) {
    it(`${name}: leaves as ${type} and comes back`, async () => {
      const model = LanguageModel.create(given);
      const store = modelInMemory();
      expect((await writePretrained(store, {model})).modelType).to.equal(type);
      const again = await fromPretrained(store);
      expect(await wholeLogits(again.model, ids)).to.deep.equal(await wholeLogits(model, ids));
      expect(again.model.parameterCount()).to.equal(model.parameterCount());
      again.model.model.dispose();
      model.model.dispose();
    });
  }

  for (const golden of goldenModels) {
    it(`${golden.name}: in, out and in again`, async () => {
      const {model, config} = await fromPretrained(golden.folder);
      const store = modelInMemory();
      const {modelType} = await writePretrained(store, {model}, {shardBytes: 1000});
      expect(modelType).to.equal(config.model_type);
      expect(store.files.has('model.safetensors.index.json')).to.equal(true);
      const again = await fromPretrained(store);
      expect(await wholeLogits(again.model, golden.ids)).to.deep.equal(await wholeLogits(model, golden.ids));
      again.model.model.dispose();
      model.model.dispose();
    });
  }

  for (const [name, tokenizer, text] of [
    ['bytes', byteTokenizer(), 'Füße, 1 2 3\n'],
    ['characters', charTokenizer([...'\n 0123abcß😀']), 'abc 123\nß 😀0'],
    ['byte-level BPE', tokenizerFromJSON(tinyBpe()), 'the other'],
  ] as const) {
    it(`a tokenizer of ${name} comes back with the same ids`, async () => {
      const model = LanguageModel.create({...small, preset: 'mamba', vocabSize: 300});
      const store = modelInMemory();
      await writePretrained(store, {model, tokenizer, context: 64});
      const {tokenizer: again, stopTokens, model: opened} = await fromPretrained(store);
      expect([...(again?.encode(text) ?? [])]).to.deep.equal([...tokenizer.encode(text)]);
      expect(again?.decode(tokenizer.encode(text))).to.equal(text);
      expect(stopTokens).to.deep.equal(tokenizer.endOfText === undefined ? [] : [tokenizer.endOfText]);
      opened.model.dispose();
      model.model.dispose();
    });
  }
});
