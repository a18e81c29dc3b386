// What plain JavaScript passes by mistake gets an error of this package that names function, argument and what came.

import {ones} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import {expect} from 'chai';
import * as data from '../../data/files/index.js';
import * as tokenizers from '../../data/tokenizers/index.js';
import {BmojoError} from '../../errors/bmojo-error.js';
import * as library from '../../index.js';
import * as node from '../../models/node.js';
import {tinyBpe} from '../support/tiny-bpe.js';

// biome-ignore lint/suspicious/noExplicitAny: types would not let these calls through
type Untyped = any;

const all = async (items: AsyncIterable<unknown>): Promise<void> => {
  for await (const _ of items);
};

describe('wrong arguments', () => {
  const lib: Untyped = library;
  const byte: Untyped = tokenizers.byteTokenizer();
  const small = {preset: 'swa', vocabSize: 16, dModel: 8, layers: 1, heads: 1};
  let model: Untyped;
  let other: Untyped;
  before(async () => {
    await library.useBackend('cpu');
    [model, other] = [lib.LanguageModel.create(small), lib.LanguageModel.create(small)];
  });
  after(() => {
    for (const one of [model, other]) one.model.dispose();
  });

  const generate = (more: object) => all(lib.generate(model, {prompt: [1], maxTokens: 2, ...more}));
  const text = {tokenizer: byte, prompt: 'a', maxTokens: 1};
  const calls: Record<string, [() => unknown, string]> = {
    'no options of generateText': [() => all(lib.generateText(model)), 'such as {tokenizer, prompt}'],
    'no options of generateTexts': [() => all(lib.generateTexts(model)), 'such as {tokenizer, prompts}'],
    'no options of generateBatch': [() => all(lib.generateBatch(model)), 'such as {prompts}'],
    'text as maxTokens': [() => generate({maxTokens: 'all'}), 'maxTokens must be a whole number'],
    'NaN as maxTokens': [() => generate({maxTokens: Number.NaN}), 'got NaN'],
    'half a token': [() => all(lib.generateBatch(model, {prompts: [[1]], maxTokens: 0.5})), 'got 0.5'],
    'text as stopToken': [() => generate({stopToken: '\n'}), 'stopToken must be a token id'],
    'text as stop': [
      () => all(lib.generateText(model, {...text, stop: '.'})),
      'stop must be a list of strings',
    ],
    'a controller as signal': [() => generate({signal: new AbortController()}), 'signal must be the signal'],
    'an object as session': [() => generate({session: {}}), 'session must be a DecodingSession'],
    'a session of another model': [
      () => generate({session: new lib.DecodingSession(other)}),
      'session must be a session of this model',
    ],
    'a session of nothing': [() => new lib.DecodingSession(), 'model must be a LanguageModel'],
    'a session of layers': [() => new lib.DecodingSession(model.model), 'give new LanguageModel(model)'],
    'nothing to read': [() => new lib.DecodingSession(model).read(), 'tokens must be a list of ids'],
    'nothing to restore': [() => new lib.DecodingSession(model).restore(), 'bytes must be what `save` gave'],
    'null as settings': [() => lib.createModel(null), 'settings must be an object'],
    'a block of nothing': [() => new lib.ResidualBlock(), 'layer must be a streaming layer'],
    'a tied head alone': [() => new lib.TiedHead().apply(ones([1, 2, 8])), 'has passed a TokenEmbedding'],
    'null as options of a backend': [() => lib.useBackend('cpu', null), 'an object such as {wasmPaths}'],
    'an unknown option of a backend': [() => lib.useBackend('cpu', {wasmPath: '/'}), 'got "wasmPath"'],
    'null as settings of a layer': [() => new lib.BMojoMixer(null), 'BMojoMixer: settings must be an object'],
    'no settings of an embedding': [
      () => new lib.TokenEmbedding(),
      'TokenEmbedding: settings must be an object',
    ],
    'a list as input of a layer': [
      () => new lib.BMojoMixer({heads: 1}).apply([[1, 2]]),
      'BMojoMixer: input must be a tensor',
    ],
    'text as input of a layer': [
      () => new lib.TokenEmbedding({dim: 2}).apply('ab'),
      'TokenEmbedding: input must be a tensor, such as tf.tensor makes of numbers, got "ab"',
    ],
    'a class as layer of a block': [
      () => new lib.ResidualBlock({layer: lib.BMojoMixer}),
      'layer must be a streaming layer',
    ],
    'text as hidden states': [
      () => model.logits('abc'),
      'LanguageModel.logits: hidden must be a tensor [R, D]',
    ],
    'hidden states of another width': [() => model.logits(ones([1, 3])), '[R, 8], got [1, 3]'],
    'hidden states of another rank': [() => model.logits(ones([8])), '[R, 8], got [8]'],
    'what openModel gives as model': [
      () => all(lib.generate({model}, {prompt: [1]})),
      'such as openModel gives: give its model',
    ],
    'a promise as model': [
      () => all(lib.generateText(Promise.resolve(model), text)),
      'got a promise: await it',
    ],
    'no tokenizer': [() => all(lib.generateText(model, {prompt: 'a'})), 'of bmojo/data, got undefined'],
    'no prompt': [() => all(lib.generate(model)), 'generate: prompt must be at least one token'],
    'an empty prompt': [
      () => all(lib.generateText(model, {...text, prompt: ''})),
      'generateText: prompt must be at least one token',
    ],
    'no address': [() => lib.openModel(), 'openModel: source must be'],
    'a number as address': [() => lib.openModel(4), 'openModel: source must be'],
    'no folder of the Hub': [() => lib.fromPretrained(), 'fromPretrained: from must be'],
    'no folder of a model': [() => (node as Untyped).fileSystem(), 'fileSystem: path must be'],
    'a number to encode': [() => byte.encode(3), 'encode: must be given text, got 3'],
    'a number to encode by characters': [
      () => (tokenizers.charTokenizer(['a']) as Untyped).encode(3),
      'got 3',
    ],
    'a number to encode by pairs': [
      () => (tokenizers.tokenizerFromJSON(tinyBpe()) as Untyped).encode(3),
      'got 3',
    ],
    'nothing to decode': [() => byte.decode(), 'decode: must be given a list of ids'],
    'text as characters': [
      () => (tokenizers as Untyped).charTokenizer('abc'),
      'must be given a list of characters',
    ],
    'nothing to prepare': [() => (data as Untyped).prepareData(), 'prepareData: must be given'],
    'one path as files': [
      () => (data as Untyped).prepareData({files: 'a.txt', tokenizer: 'byte', out: '/nowhere'}),
      'prepareData: must be given',
    ],
    'no folder of data': [() => (data as Untyped).openData(), 'openData: path must be'],
    'no optimizer': [() => model.compile(), 'LanguageModel.compile: optimizer must be'],
    'training before compile': [() => other.fit(ones([1, 2]), ones([1, 2])), 'compiled before: call compile'],
  };
  for (const [name, [call, words]] of Object.entries(calls)) {
    it(`${name} is refused by name`, async () => {
      const error: unknown = await (async () => call())().then(
        () => undefined,
        reason => reason,
      );
      expect(error).to.be.instanceOf(BmojoError);
      expect(String(error)).to.include(words);
    });
  }

  it('a loss of probabilities is refused in every form that tf takes', () => {
    const layers = lib.createModel(small);
    for (const loss of [
      ['sparseCategoricalCrossentropy'],
      {head: 'categoricalCrossentropy'},
      tfl.metrics.categoricalCrossentropy,
    ])
      expect(() => layers.compile({optimizer: 'adam', loss})).to.throw('which takes probabilities');
    layers.dispose();
  });
});
