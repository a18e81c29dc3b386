import {createHash} from 'node:crypto';
import {expect} from 'chai';
import {SettingError} from '../../config/schema.js';
import {drawBatch} from '../../data/batch.js';
import {createMqar} from '../../data/mqar.js';
import type {Sample} from '../../data/task.js';
import {IGNORED} from '../../data/task.js';

function samples(
  task: ReturnType<typeof createMqar>,
  count: number,
  split: 'train' | 'test' = 'train',
): Sample[] {
  return Array.from({length: count}, (_, index) => task.sample({seed: 3, split, index}));
}

const mean = (values: number[]): number => values.reduce((a, b) => a + b, 0) / values.length;

describe('mqar', () => {
  it('asks every key once, for the value that followed it', () => {
    for (const filler of ['zero', 'random', 'distinct'] as const) {
      for (const {inputs, labels, queries} of samples(createMqar({filler}), 50)) {
        const pairs = new Map(Array.from({length: 16}, (_, i) => [inputs[2 * i], inputs[2 * i + 1]]));
        expect(pairs.size, 'distinct keys').to.equal(16);
        expect(new Set(pairs.values()).size, 'distinct values').to.equal(16);
        for (const [key, value] of pairs) {
          expect(key).to.be.within(1, 255);
          expect(value).to.be.within(256, 511);
        }
        const asked = [...labels.keys()].filter(position => labels[position] !== IGNORED);
        expect(queries.map(query => query.position)).to.deep.equal(asked);
        expect(new Set(asked.map(position => inputs[position]))).to.deep.equal(new Set(pairs.keys()));
        for (const {position, distance} of queries) {
          expect(position).to.be.at.least(32);
          expect(position % 2).to.equal(0);
          expect(pairs.get(inputs[position])).to.equal(labels[position]);
          expect(inputs[position - distance], 'the value stands `distance` back').to.equal(labels[position]);
          expect(inputs[position - distance - 1]).to.equal(inputs[position]);
        }
      }
    }
  });

  it('fills with zeros, or with ids of the whole vocabulary and the same pairs', () => {
    const plain = samples(createMqar({filler: 'zero'}), 200);
    const noisy = samples(createMqar({filler: 'random'}), 200);
    const filled = new Set<number>();
    plain.forEach((sample, i) => {
      expect([...sample.inputs].filter(id => id !== 0)).to.have.lengthOf(48);
      sample.inputs.forEach((id, position) => {
        if (id === 0) filled.add(noisy[i].inputs[position]);
        else expect(noisy[i].inputs[position]).to.equal(id);
      });
      expect(noisy[i].labels).to.deep.equal(sample.labels);
    });
    expect(filled.size).to.equal(512); // 41,600 draws miss an id with probability e^-81 each
  });

  it('fills with ids that are no key of the sample and no value, where that is asked for', () => {
    const filled = new Set<number>();
    const plain = samples(createMqar({filler: 'zero'}), 200);
    samples(createMqar({filler: 'distinct'}), 200).forEach((sample, i) => {
      const keys = new Set(Array.from({length: 16}, (_, pair) => sample.inputs[2 * pair]));
      sample.inputs.forEach((id, position) => {
        if (plain[i].inputs[position] !== 0) {
          expect(id).to.equal(plain[i].inputs[position]);
          return;
        }
        expect(keys.has(id)).to.equal(false);
        filled.add(id);
      });
      expect(sample.labels).to.deep.equal(plain[i].labels);
    });
    expect([...filled].sort((a, b) => a - b)).to.deep.equal(Array.from({length: 255}, (_, id) => id + 1));
    const few = {vocabSize: 34, length: 64, pairs: 16};
    expect(() => createMqar({...few, filler: 'distinct'})).to.throw(SettingError, 'at least 36');
    expect(createMqar({...few, vocabSize: 36, filler: 'distinct'}).vocabSize).to.equal(36);
  });

  // Columns of the published generator: L, K, p(slot 0), mean slot, mean slot of the first / middle / last key, mean distance.
  const table = [
    [64, 4, 0.251, 7.1, 6.3, 7.3, 8.1, 18],
    [128, 8, 0.213, 14.1, 11.0, 14.4, 16.5, 36],
    [256, 16, 0.185, 28.1, 21.4, 29.6, 34.2, 72],
    [64, 16, 0.292, 7.5, 3.8, 7.7, 11.8, 31],
    [1024, 256, 0.159, 127.5, 42.8, 127.7, 217.6, 511],
  ] as const;
  for (const [length, pairs, first, slotMean, early, middle, late, distanceMean] of table) {
    it(`has the gap statistics of the published generator at L ${length}, K ${pairs}`, () => {
      const count = pairs > 64 ? 400 : 3000;
      const space = length / 2 - pairs;
      const slots: number[][] = [];
      const distances: number[] = [];
      for (const sample of samples(createMqar({length, pairs, vocabSize: 8192}), count)) {
        const row: number[] = [];
        for (const {position, distance} of sample.queries) {
          const slot = (position - 2 * pairs) / 2;
          row[(position - distance - 1) / 2] = slot;
          distances.push(distance);
        }
        slots.push(row);
      }
      // The table was measured with 2,000 draws: its own error adds to ours.
      const tolerance = (values: number[]): number => {
        const center = mean(values);
        const variance = mean(values.map(value => (value - center) ** 2));
        return 4 * Math.sqrt(variance * (1 / values.length + 1 / 2000)) + 0.05;
      };
      const key = (i: number): number[] => slots.map(row => row[i]);
      const check = (values: number[], expected: number): void => {
        expect(mean(values)).to.be.closeTo(expected, tolerance(values));
      };
      check(key(0), early);
      check(key(Math.floor(pairs / 2)), middle);
      check(key(pairs - 1), late);
      expect(mean(slots.flat())).to.be.closeTo(slotMean, tolerance(key(0)));
      expect(mean(distances)).to.be.closeTo(distanceMean, 2 * tolerance(key(0)) + 0.5);
      const share = key(0).filter(slot => slot === 0).length / count;
      expect(share).to.be.closeTo(first, 4 * Math.sqrt((first * (1 - first)) / count) + 0.001);
      expect(Math.max(...slots.flat())).to.be.below(space);
      expect(Math.max(...distances)).to.be.at.most(length - 3);
    });
  }

  it('is the same on every machine', () => {
    const batch = drawBatch(createMqar(), {seed: 12, split: 'train', index: 1000}, 64);
    const hash = createHash('sha256');
    for (const array of [batch.tokens, batch.rows, batch.labels, batch.distances]) hash.update(array);
    expect(hash.digest('hex')).to.equal('7611545399a73b7700027186d66dbc09744f3c9127af8e36f8315509121e3dab');
  });

  it('keeps seeds, splits and indices apart', () => {
    const task = createMqar();
    const text = (seed: number, split: 'train' | 'test', index: number): string =>
      task.sample({seed, split, index}).inputs.join();
    const seen = new Set<string>();
    for (let index = 0; index < 1000; index++) {
      for (const seed of [0, 1])
        for (const split of ['train', 'test'] as const) seen.add(text(seed, split, index));
    }
    expect(seen.size).to.equal(4000);
    expect(text(1, 'test', 7), 'no order, no shared state').to.equal(text(1, 'test', 7));
  });

  it('refuses settings that cannot hold the pairs', () => {
    expect(() => createMqar({length: 63})).to.throw(SettingError, 'mqar: length must be even, got 63');
    expect(() => createMqar({length: 60, pairs: 16})).to.throw(
      SettingError,
      'at least 4 x pairs = 64, got 60',
    );
    expect(() => createMqar({vocabSize: 32})).to.throw(SettingError, 'at least 2 x (pairs + 1) = 34');
    const misspelt = {pars: 4, length: 64};
    expect(() => createMqar(misspelt)).to.throw(SettingError, "did you mean 'pairs'?");
  });
});
