// Several texts at once are the texts that each prompt has alone; stop strings and the penalty on repetition.

import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {parseSettings} from '../../config/schema.js';
import {ArgumentError, useBackend} from '../../custom-ops/index.js';
import {randomStream} from '../../data/random.js';
import {byteTokenizer} from '../../data/tokenizers/index.js';
import type {ModelConfig} from '../../models/config.js';
import {DecodingSession} from '../../models/decoding-session.js';
import {generate, generateText} from '../../models/generate.js';
import type {GenerateBatchOptions} from '../../models/generate-batch.js';
import {generateBatch, generateTexts} from '../../models/generate-batch.js';
import {LanguageModel} from '../../models/language-model.js';
import {StopStrings} from '../../models/stop-strings.js';
import {samplingSchema, withPenalty} from '../../models/token-sampling.js';

const small: Partial<ModelConfig> = {
  vocabSize: 256,
  dModel: 16,
  layers: 2,
  heads: 2,
  window: 4,
  eideticSlots: 3,
  stateSize: 4,
  mlp: true,
};

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

async function batch(model: LanguageModel, options: GenerateBatchOptions): Promise<number[][]> {
  const rows: number[][] = options.prompts.map(() => []);
  for await (const {row, token} of generateBatch(model, options)) rows[row].push(token);
  return rows;
}

for (const preset of ['bmojo', 'mamba', 'transformer'] as const) {
  describe(`several texts at once, ${preset}`, () => {
    let model: LanguageModel;
    before(async () => {
      await useBackend('cpu');
      model = LanguageModel.create({vocabSize: 256, dModel: 16, layers: 2, heads: 2, preset});
    });
    after(() => model.model.dispose());
    const random = randomStream([5, 6], 0);
    const prompts = [9, 1, 14, 9].map(length => Array.from({length}, () => random.integer(256)));

    it('writes for prompts of any length what each gives alone with its seed', async () => {
      const before = memory().numTensors;
      for (const given of [{}, {temperature: 0.5, topK: 9, repetitionPenalty: 1.5, chunk: 3}]) {
        const {chunk, ...sampling} = {chunk: 512, ...given};
        const rows = await batch(model, {prompts, maxTokens: 7, seed: 3, chunk, ...sampling});
        for (const [row, prompt] of prompts.entries())
          expect(
            await collect(generate(model, {prompt, maxTokens: 7, seed: 3 + row, ...sampling})),
          ).to.deep.equal(rows[row]);
      }
      expect(memory().numTensors).to.equal(before);
    });

    it('ends each text by itself', async () => {
      const whole = await batch(model, {prompts, maxTokens: 8, seed: 9});
      const stopToken = whole[1][2];
      const rows = await batch(model, {prompts, maxTokens: 8, seed: 9, stopToken});
      for (const [row, tokens] of whole.entries()) {
        const end = tokens.indexOf(stopToken);
        expect(rows[row]).to.deep.equal(end < 0 ? tokens : tokens.slice(0, end));
      }
      const controller = new AbortController();
      controller.abort();
      expect(await batch(model, {prompts, signal: controller.signal})).to.deep.equal([[], [], [], []]);
      expect(await batch(model, {prompts, maxTokens: 0})).to.deep.equal([[], [], [], []]);
    });
  });
}

describe('generated text', () => {
  let model: LanguageModel;
  const tokenizer = byteTokenizer();
  before(async () => {
    await useBackend('wasm');
    model = LanguageModel.create(small);
  });
  after(() => model.model.dispose());

  it('in several rows is that of each row', async () => {
    const prompts = ['Once', 'To be or not', 'é'];
    const texts = prompts.map(() => '');
    for await (const {row, text} of generateTexts(model, {tokenizer, prompts, maxTokens: 12, seed: 4}))
      texts[row] += text;
    for (const [row, prompt] of prompts.entries()) {
      const alone = await collect(generateText(model, {tokenizer, prompt, maxTokens: 12, seed: 4 + row}));
      expect(texts[row]).to.equal(alone.join(''));
    }
  });

  it('ends before a stop string, alone and in rows', async () => {
    const options = {tokenizer, maxTokens: 30, seed: 2};
    const whole = (await collect(generateText(model, {...options, prompt: 'Once'}))).join('');
    const stop = [whole.slice(9, 12), 'never'];
    const wanted = whole.slice(0, whole.indexOf(stop[0]));
    const text = await collect(generateText(model, {...options, prompt: 'Once', stop}));
    expect(text.join('')).to.equal(wanted);
    const rows = ['', ''];
    for await (const {row, text: piece} of generateTexts(model, {...options, prompts: ['Once', 'x'], stop}))
      rows[row] += piece;
    expect(rows[0]).to.equal(wanted);
    expect(rows[1]).to.have.length.above(0);
  });

  it('repeats the less the larger the penalty, and goes on from a saved state with what it remembers', async () => {
    const repeats = async (repetitionPenalty: number): Promise<number> => {
      const tokens = await collect(
        generate(model, {prompt: [65], maxTokens: 40, temperature: 0, repetitionPenalty}),
      );
      return tokens.length - new Set(tokens).size;
    };
    expect(await repeats(100)).to.equal(0);
    expect(await repeats(1)).to.be.above(0);
    const sampling = parseSettings('', samplingSchema, {repetitionPenalty: 100, temperature: 0});
    const first = new DecodingSession(model, {chunk: 2});
    await first.read([65, 66, 67, 68, 69]);
    for (let i = 0; i < 5; i++) await first.write(sampling);
    const second = new DecodingSession(model);
    second.restore(await first.save());
    for (let i = 0; i < 5; i++) expect(await second.write(sampling)).to.equal(await first.write(sampling));
    first.dispose();
    second.dispose();
  });

  it('refuses what it cannot write from', async () => {
    const refused = async (call: AsyncIterable<unknown>): Promise<string> =>
      collect(call).then(
        () => '',
        error => (error instanceof ArgumentError ? error.message : `another error: ${error}`),
      );
    expect(await refused(generateBatch(model, {prompts: []}))).to.include('at least one prompt');
    expect(await refused(generateBatch(model, {prompts: [[1], []]}))).to.include(
      'prompts[1] must be at least one',
    );
    expect(await refused(generateBatch(model, {prompts: [[256]]}))).to.include('ids in [0, 256), got 256');
    expect(await refused(generateTexts(model, {tokenizer, prompts: ['a', '']}))).to.include('prompts[1]');
    expect(await refused(generateText(model, {tokenizer, prompt: 'a', stop: ['']}))).to.include('not empty');
    expect(await refused(generateTexts(model, {tokenizer, prompts: 'a' as never}))).to.include(
      'a list of texts',
    );
  });
});

describe('stop strings', () => {
  /** What a text gives in pieces that a seed cuts. */
  const cut = (text: string, stops: readonly string[], seed: number): string => {
    const watcher = new StopStrings('test', stops);
    const random = randomStream([seed, 1], 0);
    let out = '';
    for (let at = 0; at < text.length && !watcher.isStopped; ) {
      const next = at + 1 + random.integer(4);
      out += watcher.push(text.slice(at, next));
      at = next;
    }
    return out + watcher.end();
  };

  it('end a text at the same place however it is cut into pieces', () => {
    const random = randomStream([8, 1], 0);
    const word = (length: number): string => Array.from({length}, () => 'ab\n'[random.integer(3)]).join('');
    for (let i = 0; i < 300; i++) {
      const text = word(20);
      const stops = [word(1 + random.integer(4)), word(1 + random.integer(4))];
      const ends = stops
        .map(stop => ({at: text.indexOf(stop), length: stop.length}))
        .filter(({at}) => at >= 0);
      ends.sort((a, b) => a.at + a.length - b.at - b.length || a.at - b.at);
      const wanted = ends.length === 0 ? text : text.slice(0, ends[0].at);
      for (const seed of [1, 2, 3])
        expect(cut(text, stops, seed), JSON.stringify({text, stops})).to.equal(wanted);
    }
  });

  it('hold back no more than what may be the beginning of one', () => {
    const watcher = new StopStrings('test', ['END.']);
    expect(watcher.push('the EN')).to.equal('the ');
    expect(watcher.push('EMY')).to.equal('ENEMY');
    expect(watcher.push(' END')).to.equal(' ');
    expect(watcher.end()).to.equal('END');
  });
});

describe('the penalty on repetition', () => {
  it('divides positive logits of recent tokens and multiplies negative ones, each once', () => {
    const logits = Float32Array.from([2, -2, 4, 1]);
    const settings = parseSettings('', samplingSchema, {repetitionPenalty: 2, repetitionSpan: 3});
    expect([...withPenalty(logits, [3, 0, 1, 0, 9], settings)]).to.deep.equal([1, -4, 4, 1]);
    expect([...logits]).to.deep.equal([2, -2, 4, 1]);
    expect(withPenalty(logits, [0], parseSettings('', samplingSchema, {}))).to.equal(logits);
  });
});
