// Decoding with memory in a store outside the model: the same as the layers' own store, and what later sessions remember.

import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {SettingError} from '../../config/schema.js';
import {useBackend} from '../../custom-ops/index.js';
import type {MemoryBatch, MemoryStore} from '../../memory/index.js';
import {memoryInProcess} from '../../memory/index.js';
import {DecodingSession, DecodingStateError, LanguageModel, memoryFormat} from '../../models/index.js';
import {expectClose} from '../support/error.js';

const small = {vocabSize: 29, dModel: 16, heads: 2, window: 5, stateSize: 4, seed: 2} as const;
const weights = 'abc';

const models = {
  'the last layer': {...small, eideticSlots: 0, storage: 3},
  'two layers, windows of their own, grouped heads': {
    ...small,
    kvHeads: 1,
    pattern: 'RR',
    eideticSlots: 2,
    storage: 2,
    plan: [{mixer: {window: 3}}, {}],
  },
  'a share of the tokens': {...small, eideticSlots: 0, storage: 4, storageShare: 0.5},
  'no SSM, no positions in it': {
    ...small,
    preset: 'swa',
    eideticSlots: 0,
    storage: 4,
    storagePositions: 'none',
  },
} as const;

const tokens = (count: number, seed = 1): number[] =>
  Array.from({length: count}, (_, i) => (i * i * 7 + 5 * i * seed + 3) % 29);

const storeOf = (model: LanguageModel): MemoryStore => memoryInProcess(memoryFormat(model, {weights}));

/** Logits behind a text, then behind each of some further tokens. */
async function logits(
  session: DecodingSession,
  text: readonly number[],
  more: readonly number[],
): Promise<number[]> {
  await session.read(text);
  const all = [...(await session.logits())];
  for (const token of more) {
    await session.read([token]);
    all.push(...(await session.logits()));
  }
  return all;
}

describe('sessions with a store of memory', () => {
  before(() => useBackend('wasm'));

  for (const [name, given] of Object.entries(models)) {
    it(`say what the layers' own store says, token by token: ${name}`, async () => {
      const model = LanguageModel.create(given);
      const own = new DecodingSession(model);
      const expected = await logits(own, tokens(33), tokens(20, 2));
      own.dispose();
      const before = memory().numTensors;
      const session = new DecodingSession(model, {weights, memory: {store: storeOf(model)}});
      const found = await logits(session, tokens(33), tokens(20, 2));
      expectClose(found, expected, 1e-5, 'logits');
      session.dispose();
      expect(memory().numTensors, 'tensors left behind').to.equal(before);
      model.model.dispose();
    });
  }

  it('hold the store that a step needs, and no state that grows', async () => {
    const model = LanguageModel.create(models['the last layer']);
    const store = storeOf(model);
    const session = new DecodingSession(model, {weights, memory: {store}});
    await session.read(tokens(40));
    const {stateBytes} = session;
    await session.read(tokens(200));
    expect(session.stateBytes).to.equal(stateBytes);
    // Whole chunks before the one of the last token that was fed.
    const {rows, parts} = await store.stats();
    expect(rows).to.equal(235);
    expect(parts.map(({stream, layer, first, last}) => [stream, layer, first, last])).to.deep.equal([
      ['default', 1, 0, 234],
    ]);
    session.dispose();
    model.model.dispose();
  });

  it('remember what an earlier one read, of their own stream alone', async () => {
    const model = LanguageModel.create(models['the last layer']);
    const store = storeOf(model);
    const first = new DecodingSession(model, {weights, memory: {store, stream: 'anna'}});
    await first.read(tokens(31));
    await first.settle();
    expect((await store.stats()).rows).to.equal(30);
    first.dispose();
    const said = async (stream: string): Promise<number[]> => {
      const session = new DecodingSession(model, {weights, memory: {store, stream}});
      const found = await logits(session, tokens(4, 3), []);
      await session.settle();
      session.dispose();
      return found;
    };
    const fresh = new DecodingSession(model);
    const forgetful = await logits(fresh, tokens(4, 3), []);
    fresh.dispose();
    expectClose(await said('bert'), forgetful, 1e-6, 'another stream');
    expect(await said('anna')).to.not.deep.equal(forgetful);
    const {parts} = await store.stats();
    expect(parts.map(({stream, last}) => [stream, last])).to.deep.equal([
      ['anna', 32],
      ['bert', 2],
    ]);
    model.model.dispose();
  });

  it('go on from a saved state with the same store, and not without', async () => {
    const model = LanguageModel.create(models['a share of the tokens']);
    const store = storeOf(model);
    const session = new DecodingSession(model, {weights, memory: {store}});
    await session.read(tokens(37));
    await session.settle();
    const saved = await session.save();
    session.dispose();
    const again = new DecodingSession(model, {weights, memory: {store}});
    again.restore(saved);
    const whole = new DecodingSession(model, {weights});
    await whole.read(tokens(37));
    expectClose(
      await logits(again, tokens(3), tokens(12, 2)),
      await logits(whole, tokens(3), tokens(12, 2)),
      1e-5,
      'logits',
    );
    const without = new DecodingSession(model, {weights});
    expect(() => without.restore(saved)).to.throw(DecodingStateError, /go on with that store/);
    const own = await whole.save();
    expect(() => again.restore(own)).to.throw(DecodingStateError, /go on without a store/);
    for (const one of [again, whole, without]) one.dispose();
    model.model.dispose();
  });

  it('never wait for updates, and tell what the store refused', async () => {
    const model = LanguageModel.create(models['the last layer']);
    const store = storeOf(model);
    const waiting: (() => void)[] = [];
    const slow: MemoryStore = Object.assign(Object.create(store), {
      append: (batch: MemoryBatch) =>
        new Promise<void>((resolve, reject) => {
          waiting.push(() => store.append(batch).then(resolve, reject));
        }),
    });
    const session = new DecodingSession(model, {weights, memory: {store: slow}});
    await session.read(tokens(30));
    await session.logits();
    expect((await store.stats()).rows).to.equal(0);
    expect(waiting).to.have.lengthOf(5);
    for (const land of waiting) land();
    session.dispose();

    const full: MemoryStore = Object.assign(Object.create(store), {
      append: () => Promise.reject(new Error('no space')),
    });
    const other = new DecodingSession(model, {weights, memory: {store: full, stream: 'other'}});
    let refused: unknown;
    try {
      await other.read(tokens(30));
      await other.logits();
    } catch (error) {
      refused = error;
    }
    expect((refused as Error).message).to.equal('no space');
    expect(other.position).to.be.above(0);
    other.dispose();
    model.model.dispose();
  });

  it('leave nothing behind where the store does not answer, and go on once it does', async () => {
    const model = LanguageModel.create(models['the last layer']);
    const inner = storeOf(model);
    let isDown = false;
    const store: MemoryStore = {
      ...inner,
      format: inner.format,
      append: batch => inner.append(batch),
      search: async query => {
        if (isDown) throw new Error('no answer');
        return inner.search(query);
      },
      stats: () => inner.stats(),
    };
    const session = new DecodingSession(model, {weights, memory: {store}});
    await session.read(tokens(30));
    const before = memory().numTensors;
    isDown = true;
    for (let i = 0; i < 3; i++)
      await session.read([1]).then(
        () => expect.fail('was read'),
        (error: Error) => expect(error.message).to.equal('no answer'),
      );
    expect(memory().numTensors, 'tensors left behind').to.equal(before);
    isDown = false;
    await session.read([1]);
    expect(memory().numTensors, 'tensors of a session').to.equal(before);
    session.dispose();
    model.model.dispose();
  });

  it('refuse a store of other weights or another shape, true positions, and models that retrieve nothing', () => {
    const model = LanguageModel.create(models['the last layer']);
    const open = (own: LanguageModel, store: MemoryStore): DecodingSession =>
      new DecodingSession(own, {weights: 'other', memory: {store}});
    expect(() => open(model, storeOf(model))).to.throw(SettingError, /must be one of this model/);
    const wide = LanguageModel.create({...small, headWidth: 4, eideticSlots: 0, storage: 3});
    expect(() => new DecodingSession(wide, {memory: {store: storeOf(model)}})).to.throw(
      SettingError,
      /one of this model/,
    );
    const real = LanguageModel.create({...small, eideticSlots: 0, storage: 3, storagePositions: 'true'});
    expect(() => new DecodingSession(real, {memory: {store: storeOf(real)}})).to.throw(
      SettingError,
      /'clamped' or 'none'/,
    );
    const none = LanguageModel.create(small);
    expect(() => memoryFormat(none, {weights})).to.throw(SettingError, /trained with storage/);
    for (const one of [model, wide, real, none]) one.model.dispose();
  });
});
