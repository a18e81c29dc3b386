// Samples of a task for tests of its statistics, and the hash that pins its streams.

import {createHash} from 'node:crypto';
import {expect} from 'chai';
import {drawBatch} from '../../data/batch.js';
import type {Sample, Split, Task} from '../../data/task.js';
import {IGNORED} from '../../data/task.js';

export function samplesOf(task: Task, count: number, split: Split = 'test'): Sample[] {
  return Array.from({length: count}, (_, index) => task.sample({seed: 3, split, index}));
}

export const mean = (values: readonly number[]): number =>
  values.reduce((a, b) => a + b, 0) / Math.max(1, values.length);

/** SHA-256 of a batch of each split. */
export function streamHash(task: Task): string {
  const hash = createHash('sha256');
  for (const split of ['train', 'test'] as const) {
    const batch = drawBatch(task, {seed: 12, split, index: 1000}, 32);
    for (const array of [batch.tokens, batch.rows, batch.labels, batch.distances]) hash.update(array);
  }
  return hash.digest('hex');
}

/** What holds for every task: labels where queries are, ids inside the vocabulary, streams of their own. */
export function expectSoundTask(task: Task, distinct = 200): void {
  for (const split of ['train', 'test'] as const) {
    for (const {inputs, labels, queries} of samplesOf(task, 20, split)) {
      expect(labels).to.have.lengthOf(inputs.length);
      expect(inputs.length).to.be.at.most(task.length);
      const asked = [...labels.keys()].filter(position => labels[position] !== IGNORED);
      expect(queries.map(({position}) => position)).to.deep.equal(asked);
      const ids = [...inputs, ...asked.map(position => labels[position])];
      expect(
        ids.filter(id => id < 0 || id >= task.vocabSize),
        'ids outside the vocabulary',
      ).to.deep.equal([]);
      for (const {distance} of queries) expect(distance).to.be.within(0, task.length - 1);
    }
  }
  const text = (seed: number, split: Split, index: number): string =>
    task.sample({seed, split, index}).inputs.join();
  const seen = new Set<string>();
  for (let index = 0; index < distinct; index++)
    for (const seed of [0, 1])
      for (const split of ['train', 'test'] as const) seen.add(text(seed, split, index));
  expect(seen.size, 'seeds, splits and indices apart').to.equal(4 * distinct);
  expect(text(1, 'test', 7), 'no order, no shared state').to.equal(text(1, 'test', 7));
}
