// Generation: sampling, sessions that are saved and continued, and constant cost per token.

import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {parseSettings} from '../../config/schema.js';
import {useBackend} from '../../custom-ops/index.js';
import {randomStream} from '../../data/random.js';
import {bpeJson} from '../../data/tokenizers/hugging-face/bpe-json.js';
import {byteTokenizer, tokenizerFromJSON} from '../../data/tokenizers/index.js';
import type {ModelConfig} from '../../models/config.js';
import {DecodingSession, DecodingSessionError} from '../../models/decoding-session.js';
import {DecodingStateError} from '../../models/decoding-state.js';
import {exponential} from '../../models/exponential.js';
import type {GenerateOptions} from '../../models/generate.js';
import {generate, generateText} from '../../models/generate.js';
import {generateTexts} from '../../models/generate-batch.js';
import {LanguageModel} from '../../models/language-model.js';
import {mostLikely} from '../../models/most-likely.js';
import {LogitsError, sampleToken, samplingSchema} from '../../models/token-sampling.js';
import {writableLogits} from '../../models/writable-ids.js';
import {expectClose} from '../support/error.js';

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
/** A tokenizer.json of three letters whose ids leave room between them. */
const withGaps = (): object =>
  bpeJson({vocab: {a: 3, b: 7, c: 11}, merges: [], added: [], preTokenizer: null, decoder: {type: 'Fuse'}});
const sampling = (given: object = {}) => parseSettings('sampling', samplingSchema, given);

/** The message of a call that fails; empty where it does not. */
async function refusal(call: Promise<unknown>): Promise<string> {
  return call.then(
    () => '',
    error => String(error.message),
  );
}

async function collect<T>(values: AsyncIterable<T>): Promise<T[]> {
  const all: T[] = [];
  for await (const value of values) all.push(value);
  return all;
}

describe('sampling', () => {
  const logits = Float32Array.from([0, 2, 1, -1]);
  const draws = (given: object): number[] =>
    Array.from({length: 20_000}, (_, draw) => sampleToken(logits, sampling(given), draw));
  const share = (tokens: number[], id: number): number =>
    tokens.filter(one => one === id).length / tokens.length;
  const softmax = (of: number[]): number[] => {
    const weights = of.map(Math.exp);
    const total = weights.reduce((a, b) => a + b);
    return weights.map(weight => weight / total);
  };

  it('follows the softmax of the logits over the temperature', () => {
    for (const temperature of [1, 0.5, 2]) {
      const tokens = draws({temperature});
      softmax([...logits].map(value => value / temperature)).forEach((probability, id) => {
        expect(share(tokens, id)).to.be.closeTo(probability, 0.015);
      });
    }
  });

  it('never draws ids beyond the tokenizer’s, however likely the model finds them', () => {
    const padded = Float32Array.from([0, 1, 0, 99, 99]);
    const drawn = Array.from({length: 500}, (_, draw) =>
      sampleToken(writableLogits(padded, {ids: 3}), sampling(), draw),
    );
    expect(new Set(drawn)).to.deep.equal(new Set([0, 1, 2]));
    expect(writableLogits(padded, {ids: 9})).to.have.lengthOf(5);
  });

  it('never draws ids between the tokenizer’s that it has no token for', () => {
    const gaps = Float32Array.from([99, 1, 99, 0, 99]);
    for (const settings of [{}, {topK: 4}, {topP: 0.999}, {temperature: 0}, {temperature: 100}]) {
      const drawn = Array.from({length: 200}, (_, draw) =>
        sampleToken(writableLogits(gaps, {suppressTokens: [0, 2, 4, 7]}), sampling(settings), draw),
      );
      const wanted = settings.temperature === 0 ? [1] : [1, 3];
      expect([...new Set(drawn)].sort(), JSON.stringify(settings)).to.deep.equal(wanted);
    }
    expect([...gaps], 'what the model said stays').to.deep.equal([99, 1, 99, 0, 99]);
  });

  it('puts the largest numbers in order, equal ones and both zeros by id, few or all', () => {
    const random = randomStream([3, 4], 5);
    const numbers = Float32Array.from({length: 999}, () => random.integer(200) - 100);
    numbers.set([-0, 0, -Infinity, Infinity, 1e-45, -1e-45], 20);
    const inOrder = Array.from(numbers.keys()).sort((a, b) => numbers[b] - numbers[a] || a - b);
    for (const count of [1, 2, 17, 31, 32, 500, 999, 2000])
      expect(mostLikely(numbers, count), `${count} of them`).to.deep.equal(inOrder.slice(0, count));
  });

  it('has exponentials of its own, to thirteen digits', () => {
    for (let x = 0; x >= -700; x -= 0.0371) {
      const exact = Math.exp(x);
      expect(Math.abs(exponential(x) - exact)).to.be.at.most(1e-13 * exact);
    }
    expect([-1e-300, -800, -Infinity].map(exponential)).to.deep.equal([1, 0, 0]);
    expect(exponential(Number.NaN)).to.be.NaN;
  });

  it('finds a nucleus that all but a few ids are in', () => {
    const flat = Float32Array.from({length: 3000}, (_, id) => -id / 3000);
    const drawn = Array.from({length: 2000}, (_, draw) => sampleToken(flat, sampling({topP: 0.9}), draw));
    expect(Math.max(...drawn)).to.be.within(2300, 2525);
  });

  it('chooses nothing by logits that are not numbers', () => {
    for (const [logits, told] of [
      [[0, Number.NaN, 5, 2], 'id 1 is NaN'],
      [[Number.NaN, 1, 5, 2], 'id 0 is NaN'],
      [[0, 1, Infinity, 2], 'id 2 is Infinity'],
      [[-Infinity, -Infinity], 'id 0 is -Infinity'],
    ] as const)
      for (const given of [{}, {temperature: 0}, {topK: 2}, {topP: 0.5}])
        expect(() => sampleToken(Float32Array.from(logits), sampling(given), 0)).to.throw(LogitsError, told);
    for (const given of [{}, {temperature: 0}, {topK: 9}, {topP: 0}])
      expect(sampleToken(Float32Array.of(-Infinity, 1, -Infinity), sampling(given), 0)).to.equal(1);
  });

  it('takes the most likely token at temperature 0', () => {
    expect(new Set(draws({temperature: 0}))).to.deep.equal(new Set([1]));
  });

  it('keeps the k most likely, and the nucleus of probability p', () => {
    expect(new Set(draws({topK: 2}))).to.deep.equal(new Set([1, 2]));
    expect(share(draws({topK: 2}), 1)).to.be.closeTo(softmax([2, 1])[0], 0.015);
    const [, first, second] = softmax([...logits]);
    expect(new Set(draws({topP: first - 0.01}))).to.deep.equal(new Set([1]));
    expect(new Set(draws({topP: first + 0.01}))).to.deep.equal(new Set([1, 2]));
    expect(new Set(draws({topP: first + second + 0.01}))).to.deep.equal(new Set([0, 1, 2]));
  });

  it('is a function of seed and draw', () => {
    expect(draws({seed: 4})).to.deep.equal(draws({seed: 4}));
    expect(draws({seed: 4})).to.not.deep.equal(draws({seed: 5}));
  });
});

for (const backend of ['cpu', 'wasm'] as const) {
  describe(`generation on ${backend}`, () => {
    let model: LanguageModel;
    before(async () => {
      await useBackend(backend);
      model = LanguageModel.create(small);
    });
    after(() => model.model.dispose());
    const prompt = Array.from({length: 23}, (_, i) => (7 * i) % 256);

    it('gives the same tokens for the same seed, and leaves no tensor behind', async () => {
      const before = memory().numTensors;
      const first = await collect(generate(model, {prompt, maxTokens: 12, seed: 3}));
      expect(first).to.have.lengthOf(12);
      expect(await collect(generate(model, {prompt, maxTokens: 12, seed: 3}))).to.deep.equal(first);
      expect(await collect(generate(model, {prompt, maxTokens: 12, seed: 4}))).to.not.deep.equal(first);
      expect(memory().numTensors).to.equal(before);
    });

    it('reads more tokens behind others than a call has room for arguments', async () => {
      const session = new DecodingSession(model);
      await session.read([1]);
      const stop = new AbortController();
      const reading = session.read(new Int32Array(300_000), {
        signal: stop.signal,
        onProgress: () => stop.abort(),
      });
      expect((await reading.catch(error => error)).name).to.equal('AbortError');
      expect(session.position).to.be.above(1);
      session.dispose();
    });

    it('writes no id of a padded vocabulary that the tokenizer does not have', async () => {
      const padded = LanguageModel.create({...small, vocabSize: 512});
      const options = {maxTokens: 40, temperature: 100};
      const largest = async (ids?: number): Promise<number> =>
        Math.max(...(await collect(generate(padded, {...options, prompt: [1], ids}))));
      expect(await largest()).to.be.above(255);
      expect(await largest(256)).to.be.below(256);
      const text = generateText(padded, {...options, tokenizer: byteTokenizer(), prompt: 'abc'});
      expect((await collect(text)).join('')).to.have.length.above(0);
      padded.model.dispose();
    });

    it('writes no id inside a vocabulary that the tokenizer has no token for', async () => {
      const gaps = tokenizerFromJSON(withGaps());
      const written: number[] = [];
      const decode = (ids: ArrayLike<number>): string => {
        written.push(...Array.from(ids));
        return gaps.decode(ids);
      };
      const tokenizer = {...gaps, decode};
      const options = {maxTokens: 60, temperature: 100};
      const texts = generateTexts(model, {...options, tokenizer, prompts: ['a', 'ba']});
      for (const pieces of [generateText(model, {...options, tokenizer, prompt: 'a'}), texts]) {
        written.length = 0;
        await collect<unknown>(pieces);
        expect(new Set(written)).to.deep.equal(new Set([3, 7, 11]));
      }
      const ids = await collect(
        generate(model, {...options, prompt: [1], ids: 8, suppressTokens: [0, 1, 2]}),
      );
      expect(Math.min(...ids)).to.equal(3);
      expect(Math.max(...ids)).to.equal(7);
    });

    it('refuses ids of which none is left, before anything is read', async () => {
      const session = new DecodingSession(model);
      const none = Array.from({length: 4}, (_, id) => id);
      for (const [wrong, words] of [
        [{ids: 0}, 'whole number from 1'],
        [{ids: 4, suppressTokens: none}, 'to leave one of the ids in [0, 4)'],
        [{suppressTokens: [-1]}, 'suppressTokens[0]'],
      ] as const) {
        const given: GenerateOptions = {...wrong, prompt: [1], session};
        expect(await refusal(collect(generate(model, given)))).to.include(words);
      }
      expect(session.position).to.equal(0);
      session.dispose();
    });

    it('reads a prompt in pieces as it reads it at once', async () => {
      const logits = await Promise.all(
        [1, 5, 512].map(async chunk => {
          const session = new DecodingSession(model, {chunk});
          await session.read(prompt);
          const values = await session.logits();
          session.dispose();
          return values;
        }),
      );
      for (const other of logits.slice(1)) expectClose(other, logits[0], 1e-5, 'logits');
    });

    it('goes on from a saved state bit for bit', async () => {
      const whole = await collect(generate(model, {prompt, maxTokens: 20}));
      const session = new DecodingSession(model);
      const first = await collect(generate(model, {prompt, maxTokens: 8, session}));
      const saved = await session.save();
      session.dispose();
      const other = new DecodingSession(model);
      other.restore(saved);
      expect(other.position).to.equal(prompt.length + 8);
      const rest = await collect(generate(model, {maxTokens: 12, session: other}));
      expect([...first, ...rest]).to.deep.equal(whole);
      expect(await other.save()).to.not.deep.equal(saved);
      other.dispose();
    });

    it('refuses states of other models and weights, and damaged ones', async () => {
      const session = new DecodingSession(model, {weights: 'a'});
      await session.read(prompt);
      const saved = await session.save();
      const other = LanguageModel.create({...small, window: 5});
      for (const [target, words] of [
        [new DecodingSession(other, {weights: 'a'}), 'other settings'],
        [new DecodingSession(model, {weights: 'b'}), 'other weights'],
      ] as const) {
        expect(() => target.restore(saved)).to.throw(DecodingStateError, words);
        target.dispose();
      }
      expect(() => session.restore(saved.slice(0, -1))).to.throw('safetensors');
      session.dispose();
      other.model.dispose();
    });

    it('refuses ids that the model does not have, and logits of nothing', async () => {
      const session = new DecodingSession(model);
      expect(await refusal(session.read([1, 256]))).to.include('tokens must be ids in [0, 256), got 256');
      expect(await refusal(session.read([0.5]))).to.include('got 0.5');
      expect(session.position).to.equal(0);
      const error = await session.logits().catch(reason => reason);
      expect(error).to.be.an.instanceOf(DecodingSessionError).and.have.property('kind', 'misuse');
      expect(error.message).to.include('read at least one token first');
      session.dispose();
    });

    it('gives the logits any number of times, and goes on and saves as if nobody had asked', async () => {
      const before = memory().numTensors;
      const [asked, plain] = [new DecodingSession(model), new DecodingSession(model)];
      for (const session of [asked, plain]) await session.read(prompt);
      const logits = await asked.logits();
      const copy = logits.slice();
      logits.fill(0);
      expect(await asked.logits()).to.deep.equal(copy);
      expect(asked.position).to.equal(plain.position);
      expect(await asked.save()).to.deep.equal(await plain.save());
      expect(await asked.write(sampling())).to.equal(await plain.write(sampling()));
      await asked.logits();
      for (const session of [asked, plain]) await session.read([3, 4]);
      expect(asked.position).to.equal(plain.position);
      // Here the tokens went in by other chunks.
      expectClose(await asked.logits(), await plain.logits(), 1e-5, 'logits');
      for (const session of [asked, plain]) session.dispose();
      expect(memory().numTensors).to.equal(before);
    });

    it('reads with progress, lets others run, and stops in order when it is aborted', async () => {
      const before = memory().numTensors;
      const long = Array.from({length: 400}, (_, i) => (11 * i) % 256);
      const session = new DecodingSession(model, {chunk: 20});
      const aborted = new DecodingSession(model, {chunk: 20});
      let turns = 0;
      const others = setInterval(() => turns++, 1);
      const told: number[] = [];
      // Others wait for their turn, however fast the machine reads.
      const onProgress = (done: number): void => {
        told.push(done);
        for (const end = performance.now() + 20; performance.now() < end; );
      };
      await session.read(long, {onProgress});
      clearInterval(others);
      expect(told).to.deep.equal([...told].sort((a, b) => a - b));
      expect(told.length).to.be.above(19);
      expect(told.at(-1)).to.equal(400);
      expect(turns, 'turns of others').to.be.above(0);
      const controller = new AbortController();
      const stop = (done: number): void => {
        if (done >= 100) controller.abort();
      };
      const reason = await aborted
        .read(long, {signal: controller.signal, onProgress: stop})
        .catch(error => error);
      expect(reason).to.equal(controller.signal.reason);
      const {position} = aborted;
      expect(position).to.be.within(100, 399);
      await aborted.read(long.slice(position));
      expectClose(await aborted.logits(), await session.logits(), 1e-5, 'logits');
      expect(await refusal(session.read([1], {signal: controller.signal}))).to.not.equal('');
      expect(session.position).to.equal(400);
      for (const one of [session, aborted]) one.dispose();
      expect(memory().numTensors).to.equal(before);
    });

    it('answers one call at a time, and ends with the one that is under way', async () => {
      const before = memory().numTensors;
      const session = new DecodingSession(model, {chunk: 2});
      await session.read(prompt);
      const saved = await session.save();
      const first = session.write(sampling());
      expect(() => session.restore(saved)).to.throw(DecodingSessionError, 'restore: a call of write');
      for (const call of [session.read([1]), session.save(), session.logits(), session.write(sampling())])
        expect(await refusal(call)).to.include(
          'a call of write is under way on this session; await it first',
        );
      await first;
      expect(session.position).to.equal(prompt.length + 1);
      const reading = refusal(session.read(Array.from({length: 200}, () => 7)));
      session.dispose();
      expect(await reading).to.include('disposed');
      expect(await refusal(session.logits())).to.include('disposed');
      expect(memory().numTensors).to.equal(before);
    });

    it('a generation that is aborted within its prompt writes nothing', async () => {
      const controller = new AbortController();
      const session = new DecodingSession(model, {chunk: 2});
      const onProgress = (): void => controller.abort();
      const options = {prompt, maxTokens: 5, session, signal: controller.signal, onProgress};
      expect(await collect(generate(model, options))).to.deep.equal([]);
      expect(session.position).to.be.within(1, prompt.length);
      session.dispose();
    });

    it('streams whole characters and stops at the end of text', async () => {
      const tokenizer = byteTokenizer();
      const text = await collect(
        generateText(model, {tokenizer, prompt: 'abc', maxTokens: 9, temperature: 0}),
      );
      const tokens = await collect(
        generate(model, {prompt: tokenizer.encode('abc'), maxTokens: 9, temperature: 0}),
      );
      expect(text.join('')).to.equal(tokenizer.decode(tokens));
      const stopped = await collect(
        generate(model, {prompt: tokenizer.encode('abc'), stopToken: tokens[3], temperature: 0}),
      );
      expect(stopped).to.deep.equal(tokens.slice(0, tokens.indexOf(tokens[3])));
    });
  });
}

describe('decoding far into a text', () => {
  it('costs the same per token and as much memory at 100,000 as at 1,000', async function () {
    this.timeout(300_000);
    await useBackend('wasm');
    const model = LanguageModel.create({...small, window: 16, eideticSlots: 8});
    const random = randomStream([1, 2], 3);
    const settings = sampling();
    const before = memory().numTensors;
    const sessionAt = async (position: number) => {
      const session = new DecodingSession(model, {chunk: 4096});
      await session.read(Int32Array.from({length: position}, () => random.integer(256)));
      return {session, bytes: session.stateBytes, times: [] as number[]};
    };
    const near = await sessionAt(1000);
    const tensors = memory().numTensors - before;
    const far = await sessionAt(100_000);
    expect(far.bytes).to.equal(near.bytes);
    expect(far.bytes).to.equal(model.stateBytes());
    expect(memory().numTensors - before).to.equal(2 * tensors);
    // What is computed, not the time that it takes: that is shared with what else the machine does.
    const computedMs = (): number => {
      const {user, system} = process.cpuUsage();
      return (user + system) / 1000;
    };
    const rounds = 25;
    for (let round = -5; round < rounds; round++) {
      for (const {session, times} of [near, far]) {
        const start = computedMs();
        for (let token = 0; token < 8; token++) await session.write(settings);
        if (round >= 0) times.push((computedMs() - start) / 8);
      }
    }
    const [nearMs, farMs] = [near, far].map(({times}) => times.sort((x, y) => x - y)[rounds >> 1]);
    expect(farMs / nearMs, `${nearMs} ms at 1,000, ${farMs} ms at 100,000`).to.be.below(1.5);
    near.session.dispose();
    far.session.dispose();
    model.model.dispose();
  });
});
