// Every way in which a model folder can be wrong is refused in words that say what, where, and without a command line.

import {expect} from 'chai';
import {VERSION} from '../../../config/version.js';
import {useBackend} from '../../../custom-ops/index.js';
import {charTokenizer, TokenizerError, tokenizerDigest} from '../../../data/tokenizers/index.js';
import {sha256Of} from '../../../formats/sha256/index.js';
import type {MemoryFolder, ModelCard} from '../../../models/model-folder/index.js';
import {copyModel, modelInMemory, openModel, writeModel} from '../../../models/model-folder/index.js';
import {ModelFormatError} from '../../../models/model-format.js';
import {encoderContents, languageContents} from '../../support/model-folders.js';

type Json = Record<string, unknown>;

describe('model folders that are refused', () => {
  let folder: MemoryFolder;
  before(() => useBackend('cpu'));
  beforeEach(async () => {
    folder = modelInMemory('the folder');
    await writeModel(folder, languageContents(), {shardBytes: 4000});
  });

  const bytesOf = (path: string): Uint8Array<ArrayBuffer> => {
    const bytes = folder.files.get(path);
    if (bytes === undefined) throw new Error(`no ${path}`);
    return bytes;
  };
  const put = (path: string, text: string): void => {
    folder.files.set(path, new TextEncoder().encode(text));
  };
  const json = (path: string): Json => JSON.parse(new TextDecoder().decode(bytesOf(path)));
  const editCard = (change: (card: Json & ModelCard) => unknown): void => {
    const card = json('card.json') as Json & ModelCard;
    change(card);
    put('card.json', JSON.stringify(card));
  };
  /** Makes the card say of a file what the file is, so that the checks behind that one are reached. */
  const enter = (path: string): void =>
    editCard(card => {
      const entry = card.files.find(file => file.path === path) as {bytes: number; sha256: string};
      entry.bytes = bytesOf(path).length;
      entry.sha256 = sha256Of(bytesOf(path));
    });
  const editModel = (change: (model: Json) => unknown): void => {
    const model = json('model.json');
    change(model);
    put('model.json', JSON.stringify(model));
    enter('model.json');
  };
  const weights = 'weights-00002-of-00007.bin';

  const cases: [string, () => unknown, string][] = [
    ['an empty folder', () => folder.files.clear(), 'holds no model: neither card.json nor model.json'],
    ['a missing shard', () => folder.files.delete(weights), `${weights} is missing`],
    ['a missing model.json', () => folder.files.delete('model.json'), 'model.json is missing'],
    ['a missing tokenizer', () => folder.files.delete('tokenizer.json'), 'tokenizer.json is missing'],
    [
      'a flipped bit',
      () => (bytesOf(weights)[77] ^= 1),
      `${weights} is damaged: its SHA-256 is not the one in card.json`,
    ],
    [
      'half a shard',
      () => folder.files.set(weights, bytesOf(weights).slice(0, 2000)),
      `${weights} is damaged: it must have 4000 bytes, it has 2000`,
    ],
    [
      'trailing bytes',
      () => folder.files.set(weights, new Uint8Array(4001)),
      `${weights} is damaged: it must have 4000 bytes, it has more`,
    ],
    [
      'a number that is not finite',
      () => {
        new DataView(bytesOf(weights).buffer).setFloat32(8, Number.NaN, true);
        enter(weights);
      },
      'holds numbers that are not finite',
    ],
    [
      'weights of another model of the same shape',
      () => {
        bytesOf(weights)[77] ^= 1;
        enter(weights);
      },
      'these are other weights than card.json describes',
    ],
    ['another tokenizer', () => put('tokenizer.json', '{"type":"byte"}'), 'tokenizer.json is damaged'],
    [
      'another tokenizer of the same size',
      () => {
        put('tokenizer.json', JSON.stringify(charTokenizer([...'\n ABCDEFGH'])));
        enter('tokenizer.json');
      },
      'is not the tokenizer that the model was trained with',
    ],
    [
      'a tokenizer with more ids than the model',
      () => {
        const larger = charTokenizer([...'\n abcdefghi']);
        put('tokenizer.json', JSON.stringify(larger));
        enter('tokenizer.json');
        editCard(card => Object.assign(card, {tokenizer: {digest: tokenizerDigest(larger), vocabSize: 11}}));
      },
      'has 11 ids, the model only 10',
    ],
    [
      'a later form',
      () => editCard(card => Object.assign(card, {format: 2, bmojo: '9.9.9'})),
      `later version of bmojo ("9.9.9", form 2); this is version ${VERSION}`,
    ],
    [
      'settings of a later version',
      () =>
        editCard(card => Object.assign(card, {bmojo: '9.9.9', model: {...card.model, config: {spin: 1}}})),
      `(written by bmojo 9.9.9, this is ${VERSION}): model: unknown setting 'spin'`,
    ],
    [
      'a layer that nobody knows',
      () =>
        editModel(model => {
          const {config} = model.modelTopology as {
            config: {layers: {config: {layer: {class_name: string}}}[]};
          };
          config.layers[1].config.layer.class_name = 'WarpDrive';
        }),
      "has a layer 'WarpDrive'",
    ],
    [
      'other settings in card.json than in model.json',
      () => editCard(card => Object.assign(card.model.config, {seed: 4})),
      'card.json describes other settings than the model has',
    ],
    [
      'a card that is no JSON',
      () => put('card.json', '<!doctype html>'),
      'card.json is no JSON; it begins with "<!doctype html>"',
    ],
    ['a card that is a list', () => put('card.json', '[]'), 'must hold an object, got []'],
    ['a card that is no text', () => folder.files.set('card.json', Uint8Array.of(0xff)), 'no text in UTF-8'],
    [
      'a card without files',
      () => editCard(card => Object.assign(card, {files: {}})),
      'files must be a list',
    ],
    [
      'a path out of the folder',
      () => editCard(card => Object.assign(card.files[0], {path: '../secret'})),
      'files[0].path must be a plain file name, got "../secret"',
    ],
    [
      'a file that is listed twice',
      () => editCard(card => Object.assign(card.files[1], {path: card.files[0].path})),
      'twice',
    ],
    [
      'a size below zero',
      () => editCard(card => Object.assign(card.files[1], {bytes: -4})),
      'files[1].bytes must be a whole number, at least 0, got -4',
    ],
    [
      'a digest that is none',
      () => editCard(card => Object.assign(card.weights, {sha256: 'abc'})),
      'weights.sha256 must be 64 hexadecimal digits, got "abc"',
    ],
    [
      'weights stored otherwise',
      () => editCard(card => Object.assign(card.weights, {storage: 'float8'})),
      "weights.storage must be 'float32' or 'float16', got \"float8\"",
    ],
    [
      'weights stored otherwise than the card says',
      () => editCard(card => Object.assign(card.weights, {storage: 'float16'})),
      'model.json stores weights as float32, card.json says float16',
    ],
    [
      'weights some of which are stored otherwise',
      () => editModel(model => (specs(model)[1].quantization = {dtype: 'float16'})),
      'as float16 and others as float32; all weights must be stored alike',
    ],
    [
      'weights in eight bits',
      () => editModel(model => (specs(model)[0].quantization = {dtype: 'uint8', min: 0, scale: 1})),
      'as "uint8"; weights must be float32, stored as it or as float16',
    ],
    [
      'a number in float16 that is not finite',
      async () => {
        folder.files.clear();
        await writeModel(folder, languageContents(), {dtype: 'float16', shardBytes: 2000});
        new DataView(bytesOf(weights).buffer).setUint16(8, 0x7c00, true);
        enter(weights);
      },
      'holds numbers that are not finite',
    ],
    [
      'a shard that no card lists',
      () => editModel(model => paths(model).push('more.bin')),
      'card.json lists no more.bin',
    ],
    ['a shard too few', () => editModel(model => paths(model).pop()), 'bytes of weights, card.json lists'],
    ['no topology', () => editModel(model => delete model.modelTopology), 'holds no modelTopology'],
    ['a path in model.json', () => editModel(model => paths(model).push('/etc/x')), 'no plain file name'],
    [
      'weights of other numbers',
      () => editModel(model => (specs(model)[0].dtype = 'int32')),
      'weights must be float32, stored as it or as float16',
    ],
    ['a shape below zero', () => editModel(model => (specs(model)[0].shape = [-1])), 'no valid shape'],
    ['a weight twice', () => editModel(model => (specs(model)[1].name = specs(model)[0].name)), 'twice'],
    [
      'a weight named __proto__',
      () => editModel(model => (specs(model)[1].name = '__proto__')),
      'not allowed',
    ],
  ];
  const manifest = (model: Json): {paths: string[]; weights: Json[]} =>
    (model.weightsManifest as {paths: string[]; weights: Json[]}[])[0];
  const paths = (model: Json): string[] => manifest(model).paths;
  const specs = (model: Json): Json[] => manifest(model).weights;

  for (const [what, damage, words] of cases) {
    it(what, async () => {
      await damage();
      const error = await openModel(folder).catch(reason => reason);
      expect(error).to.be.instanceOf(ModelFormatError);
      expect(String(error)).to.include(words).and.include('the folder');
      expect(String(error)).not.to.match(/--\w|bmojo (train|model|data)|checkpoint/);
    });
  }

  it('a tokenizer that cannot be used', async () => {
    put('tokenizer.json', '{"type":"runes"}');
    enter('tokenizer.json');
    expect(await openModel(folder).catch(reason => reason)).to.be.instanceOf(TokenizerError);
  });

  it('are not copied either, and the copy stays without a card', async () => {
    bytesOf(weights)[77] ^= 1;
    const copy = modelInMemory();
    const error = await copyModel(folder, copy).catch(reason => reason);
    expect(String(error)).to.include(`${weights} is damaged`);
    expect(copy.files.has('card.json')).to.equal(false);
  });

  it('are not written: weights that are not finite, a tokenizer that is too large', async () => {
    const contents = languageContents();
    const large = charTokenizer([...'\n abcdefghijkl']);
    const error = await writeModel(modelInMemory(), {...contents, tokenizer: large}).catch(reason => reason);
    expect(String(error)).to.include('the tokenizer has 14 ids, the model only 10');
    const [first] = contents.model.parameters();
    first.variable.assign(first.variable.div(0));
    const store = modelInMemory();
    const other = await writeModel(store, contents).catch(reason => reason);
    expect(String(other)).to.include('embedding/table holds numbers that are not finite');
    expect(store.files.has('card.json')).to.equal(false);
  });

  it('models that are not of createModel', async () => {
    folder = modelInMemory('the folder');
    await writeModel(folder, encoderContents());
    editModel(model => delete model.userDefinedMetadata);
    const error = await openModel(folder).catch(reason => reason);
    expect(error).to.be.instanceOf(ModelFormatError);
    expect(String(error)).to.include('carries no bmojo configuration');
  });
});
