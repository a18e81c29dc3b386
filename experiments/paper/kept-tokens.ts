// What a store of fewer rows than tokens keeps: the rule is what stands in the place of innovation, of which the lowest leave first.

import {randomStream} from '../../data/random.js';
import type {MemoryBatch, MemoryStore} from '../../memory/index.js';

/** What decides how long a row stays. */
type Worth = (position: number, innovation: number) => number;

const TAG = 0x6b657074;

/** Rules by name. */
export const keptRuleNames = ['innovation', 'latest', 'by chance', 'every 4th'] as const;

export type KeptRule = (typeof keptRuleNames)[number];

/** How much a row at a position in its stream is worth. */
const worths: Readonly<Record<KeptRule, Worth>> = {
  innovation: (_, innovation) => innovation,
  latest: position => position,
  'by chance': position => randomStream([1, TAG], position).uniform(),
  'every 4th': position => (position % 4 === 3 ? 1 : 0),
};

/** The store, which keeps what the rule says when its quota is full. */
export function keeping(store: MemoryStore, rule: KeptRule): MemoryStore {
  const worth = worths[rule];
  return {
    format: store.format,
    append: (batch: MemoryBatch) =>
      store.append({
        ...batch,
        innovations: batch.innovations.map((innovation, i) => worth(batch.positions[i], innovation)),
      }),
    search: query => store.search(query),
    forget: selection => store.forget(selection),
    snapshot: selection => store.snapshot(selection),
    stats: () => store.stats(),
    close: () => store.close(),
  };
}
