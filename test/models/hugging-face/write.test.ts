// What leaves in a layout of the Hub comes back as the same model, bit for bit, and says which layout it is.

import {expect} from 'chai';
import {useBackend} from '../../../custom-ops/index.js';
import {
  byteTokenizer,
  charTokenizer,
  TokenizerError,
  tokenizerFromJSON,
} from '../../../data/tokenizers/index.js';
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

  const begun = (ids: readonly number[]): object => ({
    ...tinyBpe(),
    post_processor: {
      type: 'Sequence',
      processors: [
        {type: 'ByteLevel', add_prefix_space: true, trim_offsets: false, use_regex: true},
        {
          type: 'TemplateProcessing',
          single: [{SpecialToken: {id: 'old', type_id: 0}}, {Sequence: {id: 'A', type_id: 0}}],
          pair: [],
          special_tokens: {old: {id: 'old', ids, tokens: ['old']}},
        },
      ],
    },
  });
  for (const [preset, modelType] of [
    ['mamba', 'mamba'],
    ['bmojo', 'bmojo'],
  ] as const)
    for (const [name, tokenizer] of [
      ['characters', charTokenizer([...'\n 0123abc'])],
      ['a BPE', tokenizerFromJSON(tinyBpe())],
      ['a BPE that begins texts otherwise', tokenizerFromJSON(begun([7]))],
    ] as const)
      it(`what begins a text comes back with a tokenizer of ${name}, as ${modelType}`, async () => {
        const model = LanguageModel.create({...small, preset, vocabSize: 300});
        for (const startTokens of [[], [5], [8, 0, 8]]) {
          const store = modelInMemory();
          const written = await writePretrained(store, {model, tokenizer, startTokens});
          expect(written.modelType).to.equal(modelType);
          const again = await fromPretrained(store);
          expect(again.startTokens).to.deep.equal(startTokens);
          expect([...(again.tokenizer?.encode('a 1') ?? [])]).to.deep.equal([...tokenizer.encode('a 1')]);
          again.model.model.dispose();
        }
        const kept = modelInMemory();
        await writePretrained(kept, {model, tokenizer});
        const again = await fromPretrained(kept);
        expect(again.startTokens).to.deep.equal(name.endsWith('otherwise') ? [7] : []);
        again.model.model.dispose();
        const missing = await writePretrained(modelInMemory(), {model, tokenizer, startTokens: [299]}).then(
          () => undefined,
          error => error,
        );
        expect(missing).to.be.instanceOf(TokenizerError);
        model.model.dispose();
      });
});
