// How recall of an index is counted: all of it for an exact store, that of the rows which it holds for one that lost some.

import {expect} from 'chai';
import type {MemoryRecall} from '../../bench/memory-recall.js';
import {benchMemoryRecall} from '../../bench/memory-recall.js';
import {useBackend} from '../../custom-ops/index.js';
import type {MemoryStore} from '../../memory/index.js';
import {memoryInProcess} from '../../memory/index.js';
import {LanguageModel} from '../../models/index.js';

describe('recall of an index', () => {
  let model: LanguageModel;
  before(async () => {
    await useBackend('wasm');
    model = LanguageModel.create({
      vocabSize: 29,
      dModel: 16,
      heads: 2,
      window: 5,
      stateSize: 4,
      eideticSlots: 0,
      storage: 4,
    });
  });
  after(() => model.model.dispose());

  /** The recall of a store with these positions alone. */
  const recall = (holds: (position: number) => boolean): Promise<MemoryRecall> =>
    benchMemoryRecall({
      model,
      tokens: Int32Array.from({length: 300}, (_, i) => (i * i * 7 + 3) % 29),
      precision: 'f32',
      queries: 25,
      rowSearch: undefined,
      index: {
        name: 'losing',
        open: async format => {
          const store = memoryInProcess(format);
          const losing: MemoryStore = {
            format,
            append: async batch => {
              await store.append(batch);
              await store.forget({streams: 'all', where: ({position}) => !holds(position)});
            },
            search: query => store.search(query),
            forget: selection => store.forget(selection),
            snapshot: selection => store.snapshot(selection),
            stats: () => store.stats(),
            close: () => store.close(),
          };
          return losing;
        },
      },
    });

  it('is whole for an exact store', async () => {
    expect(await recall(() => true)).to.deep.equal({
      rows: 300,
      queries: 50,
      count: 4,
      recall: 1,
      recallOfKeys: 1,
      first: 1,
    });
  });

  it('lacks what the index does not find', async () => {
    const {recall: half, recallOfKeys, first} = await recall(position => position % 2 === 0);
    for (const share of [half, recallOfKeys, first]) expect(share).to.be.within(0.2, 0.8);
    const none = await recall(() => false);
    expect(none).to.include({recall: 0, recallOfKeys: 0, first: 0});
  });
});
