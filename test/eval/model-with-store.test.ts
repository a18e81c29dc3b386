// Evaluations through a store of memory: the answers of the layers' own store, and what earlier processes left beside them.

import {expect} from 'chai';
import {SettingError} from '../../config/schema.js';
import {useBackend} from '../../custom-ops/index.js';
import type {Batch} from '../../data/batch.js';
import {ModelWithStore} from '../../eval/model-with-store.js';
import {scoreBatch} from '../../eval/score.js';
import type {MemoryStore} from '../../memory/index.js';
import {memoryInProcess} from '../../memory/index.js';
import {DecodingSession, LanguageModel, memoryFormat} from '../../models/index.js';
import {expectClose} from '../support/error.js';

const weights = 'abc';
const [SIZE, LENGTH, VOCABULARY] = [2, 47, 29];

const ids = (count: number, seed: number): Int32Array =>
  Int32Array.from({length: count}, (_, i) => (i * i * 7 + 5 * i * seed + 3) % VOCABULARY);

const batch: Batch = {
  size: SIZE,
  length: LENGTH,
  tokens: ids(SIZE * LENGTH, 1),
  rows: Int32Array.of(3, 21, 46, LENGTH + 11, LENGTH + 46),
  labels: Int32Array.of(4, 8, 15, 16, 23),
  distances: new Int32Array(5),
};

describe('evaluations through a store', () => {
  let model: LanguageModel;
  let store: MemoryStore;
  before(() => useBackend('wasm'));
  beforeEach(() => {
    model = LanguageModel.create({
      vocabSize: VOCABULARY,
      dModel: 16,
      heads: 2,
      window: 5,
      stateSize: 4,
      eideticSlots: 2,
      storage: 3,
      seed: 2,
    });
    store = memoryInProcess(memoryFormat(model, {weights}));
  });
  afterEach(async () => {
    model.model.dispose();
    await store.close();
  });

  /** A store that takes its time: an evaluation waits for it. */
  const slow = (): MemoryStore => ({
    format: store.format,
    append: async given => {
      await new Promise(resolve => setTimeout(resolve, 5));
      await store.append(given);
    },
    search: query => store.search(query),
    forget: selection => store.forget(selection),
    snapshot: selection => store.snapshot(selection),
    stats: () => store.stats(),
    close: () => store.close(),
  });

  it('answer as the layers do, however slow the store, which is empty afterwards', async () => {
    const own = await scoreBatch(model, batch);
    const through = await scoreBatch(new ModelWithStore(model, {store: slow(), weights}), batch);
    expect([...through.predicted]).to.deep.equal([...own.predicted]);
    expectClose(through.losses, own.losses, 1e-5, 'losses');
    expect((await store.stats()).rows).to.equal(0);
  });

  it('find what an earlier process left in the stream, and leave that alone', async () => {
    const session = new DecodingSession(model, {weights, memory: {store, stream: 'anna'}});
    await session.read([...ids(31, 2)]);
    await session.settle();
    session.dispose();
    const before = await store.stats();
    expect(before.rows).to.be.above(0);
    const read = (stream?: string) => scoreBatch(new ModelWithStore(model, {store, weights, stream}), batch);
    const [alone, remembering] = [await read(), await read('anna')];
    // From the first chunk on, before any token of the text itself has left a window.
    for (const [i, loss] of remembering.losses.entries()) expect(loss).to.not.equal(alone.losses[i]);
    expect(await read('bert')).to.deep.equal(alone);
    // Texts do not see each other: the second alone comes to the same.
    const second: Batch = {
      ...batch,
      size: 1,
      tokens: batch.tokens.slice(LENGTH),
      rows: batch.rows.slice(3).map(row => row - LENGTH),
      labels: batch.labels.slice(3),
    };
    const own = await scoreBatch(new ModelWithStore(model, {store, weights, stream: 'anna'}), second);
    expect(own.losses).to.deep.equal(remembering.losses.slice(3));
    expect(await store.stats()).to.deep.equal(before);
  });

  it('say what the store refuses, and leave it as it was', async () => {
    let appended = 0;
    const failing: MemoryStore = {
      ...slow(),
      append: async given => {
        appended++;
        if (appended > 2) throw new Error('no room');
        await store.append(given);
      },
    };
    const place = new ModelWithStore(model, {store: failing, weights});
    const refused = await scoreBatch(place, batch).catch((error: unknown) => error);
    expect(refused).to.be.instanceOf(Error).with.property('message', 'no room');
    expect((await store.stats()).rows).to.equal(0);
    const other = new ModelWithStore(model, {store, weights: 'others'});
    const mistaken = await scoreBatch(other, batch).catch((error: unknown) => error);
    expect(mistaken).to.be.instanceOf(SettingError);
  });
});
