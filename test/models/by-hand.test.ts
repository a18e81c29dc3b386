// Models that were put together by hand from our layers, and what plain JavaScript may pass instead of what is asked for.

import {tensor2d} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import {expect} from 'chai';
import {ArgumentError, useBackend} from '../../custom-ops/index.js';
import {byteTokenizer} from '../../data/tokenizers/index.js';
import {BMojoMixer, ResidualBlock, RMSNorm, SwiGLU, TiedHead, TokenEmbedding} from '../../layers/index.js';
import {createModel, DecodingSession, generate, generateText, LanguageModel} from '../../models/index.js';

const byHand = (activation: 'none' | 'softmax') =>
  tfl.sequential({
    layers: [
      new TokenEmbedding({vocabSize: 256, dim: 8, inputShape: [null], dtype: 'int32', seed: 5}),
      new ResidualBlock({
        layer: new BMojoMixer({heads: 2, window: 4, eideticSlots: 2, stateSize: 4, seed: 6}),
      }),
      new TiedHead({activation}),
    ],
  });

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

async function errorOf(values: AsyncIterable<unknown>): Promise<Error> {
  return collect(values).then(
    () => new Error('nothing was refused'),
    error => error,
  );
}

describe('models built by hand', () => {
  before(async () => {
    await useBackend('cpu');
  });

  for (const activation of ['none', 'softmax'] as const) {
    it(`decode with activation ${activation} what predict finds most likely`, async () => {
      const layers = byHand(activation);
      const model = new LanguageModel(layers);
      const written = await collect(generate(model, {prompt: [7, 8, 9], maxTokens: 6, temperature: 0}));
      const text = [7, 8, 9];
      for (let i = 0; i < 6; i++) {
        const output = layers.predict(tensor2d(text, [1, text.length], 'int32'));
        const row = [...(output as {dataSync(): Float32Array}).dataSync()].slice(-256);
        text.push(row.indexOf(Math.max(...row)));
      }
      expect(written).to.deep.equal(text.slice(3));
      expect(() => model.config).to.throw(ArgumentError, 'put together by hand');
    });
  }

  it('go on from a saved state, and refuse that of another one', async () => {
    const session = new DecodingSession(new LanguageModel(byHand('none')));
    await session.read([1, 2, 3]);
    const saved = await session.save();
    const expected = await session.logits();
    const other = new DecodingSession(new LanguageModel(createModel({dModel: 8, layers: 1, heads: 2})));
    expect(() => other.restore(saved)).to.throw('belongs to a model of other settings');
    const layers = byHand('none');
    layers.setWeights(session.model.model.getWeights());
    await session.read([9]);
    session.restore(saved);
    expect(await session.logits()).to.deep.equal(expected);
  });
});

describe('wrong arguments', () => {
  before(async () => {
    await useBackend('cpu');
  });
  const layers = () => createModel({dModel: 8, layers: 1, heads: 2});

  it('of generate and generateText are refused by name', async () => {
    const model = new LanguageModel(layers());
    const wrong = <T>(value: unknown) => value as T;
    for (const [values, message] of [
      [
        generate(model, {prompt: wrong('text')}),
        'generate: prompt must be token ids; generateText takes text',
      ],
      [generate(wrong(layers())), 'generate: model must be a LanguageModel, got a LayersModel'],
      [
        generateText(wrong(layers()), {tokenizer: byteTokenizer()}),
        'generateText: model must be a LanguageModel',
      ],
      [
        generateText(model, {tokenizer: byteTokenizer(), prompt: wrong([1])}),
        'generateText: prompt must be text',
      ],
      [generateText(model, wrong({})), 'generateText: tokenizer must be a tokenizer'],
    ] as const) {
      const error = await errorOf(values);
      expect(error).to.be.instanceOf(ArgumentError);
      expect(error.message).to.include(message);
    }
    expect(() => new LanguageModel(wrong({}))).to.throw(
      ArgumentError,
      'LanguageModel: model must be a LayersModel',
    );
  });
});

describe('masks of padding', () => {
  const masked = (...layers: tfl.layers.Layer[]) =>
    tfl.sequential({
      layers: [tfl.layers.embedding({inputDim: 9, outputDim: 8, maskZero: true, inputShape: [4]}), ...layers],
    });

  it('are refused by layers that remember, also behind layers that pass them on', () => {
    const mixer = () => new ResidualBlock({layer: new BMojoMixer({heads: 2, window: 4})});
    const ids = tensor2d([0, 0, 3, 4], [1, 4]);
    for (const model of [
      masked(mixer()),
      masked(new RMSNorm({}), mixer()),
      masked(new BMojoMixer({heads: 2})),
    ])
      expect(() => model.predict(ids)).to.throw(ArgumentError, /: mask must be absent/);
    const tokenwise = masked(new RMSNorm({}), new ResidualBlock({layer: new SwiGLU()}));
    expect((tokenwise.predict(ids) as {shape: number[]}).shape).to.deep.equal([1, 4, 8]);
  });
});
