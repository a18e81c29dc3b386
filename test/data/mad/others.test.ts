import {expect} from 'chai';
import {SettingError} from '../../../config/schema.js';
import {createMadCompression} from '../../../data/mad/compression.js';
import {createMadFuzzyRecall} from '../../../data/mad/fuzzy-recall.js';
import {createMadMemorization} from '../../../data/mad/memorization.js';
import {createMadSelectiveCopying} from '../../../data/mad/selective-copying.js';
import {IGNORED} from '../../../data/task.js';
import {expectSoundTask, mean, samplesOf, streamHash} from '../../support/samples.js';

describe('MAD fuzzy recall', () => {
  /** Words of a sequence by id range: V16 has keys 0-6, values 7-14, pad 15. */
  const parse = (tokens: readonly number[]): {key: number[]; value: number[]; at: number}[] => {
    const pairs: {key: number[]; value: number[]; at: number}[] = [];
    let at = tokens.findIndex(id => id !== 15);
    while (at < tokens.length) {
      const key: number[] = [];
      const value: number[] = [];
      while (tokens[at] < 7) key.push(tokens[at++]);
      const start = at;
      while (at < tokens.length && tokens[at] >= 7) value.push(tokens[at++]);
      pairs.push({key, value, at: start});
    }
    return pairs;
  };

  it('asks in test for the values of keys of three ids that were shown, id after id', () => {
    for (const {inputs, labels} of samplesOf(createMadFuzzyRecall(), 200)) {
      const pairs = parse([...inputs, labels[127]]);
      const shown = new Map<string, string>();
      const expected = new Int32Array(128).fill(IGNORED);
      for (const {key, value, at} of pairs) {
        expect(key).to.have.lengthOf(3);
        expect(new Set(key).size, 'distinct ids').to.equal(3);
        expect(value.length).to.be.within(1, 3);
        expect(new Set(value).size).to.equal(value.length);
        const known = shown.get(key.join());
        if (known !== undefined) {
          expect(value.join()).to.equal(known);
          value.forEach((id, i) => {
            expected[at - 1 + i] = id;
          });
        }
        shown.set(key.join(), value.join());
      }
      expect(labels).to.deep.equal(expected);
      expect(labels[127], 'the probe ends the sequence').not.to.equal(IGNORED);
    }
  });

  // Mean scored positions of the published generator.
  for (const [vocabSize, scored] of [
    [16, 4.6],
    [32, 2.2],
  ]) {
    it(`scores as many positions as the published generator at V ${vocabSize}`, () => {
      const counts = samplesOf(createMadFuzzyRecall({vocabSize}), 2000).map(({queries}) => queries.length);
      expect(mean(counts)).to.be.closeTo(scored, 0.25);
    });
  }

  it('trains on every next token, pads included, with keys of one to three ids', () => {
    const lengths = new Set<number>();
    for (const {inputs, labels} of samplesOf(createMadFuzzyRecall(), 100, 'train')) {
      expect(labels.slice(0, -1)).to.deep.equal(inputs.slice(1));
      for (const {key} of parse([...inputs, labels[127]])) lengths.add(key.length);
    }
    expect([...lengths].sort()).to.deep.equal([1, 2, 3]);
  });

  it('is sound and the same on every machine', () => {
    expectSoundTask(createMadFuzzyRecall());
    expect(streamHash(createMadFuzzyRecall())).to.equal(
      '30a7be8bcdd48cd0b2bfab8fa607019f4cee2e161ff97f5b5f2a0cd473b37f20',
    );
  });

  it('refuses a vocabulary too small for its words', () => {
    expect(() => createMadFuzzyRecall({vocabSize: 9, longestWord: 5, length: 64})).to.throw(
      SettingError,
      'vocabSize must be at least 12 for words of 5 distinct ids, got 9',
    );
  });
});

describe('MAD selective copying', () => {
  it('wants the data tokens in order behind the copy mark', () => {
    for (const split of ['train', 'test'] as const) {
      for (const {inputs, labels, queries} of samplesOf(createMadSelectiveCopying(), 100, split)) {
        const data = [...inputs].filter(id => id < 14);
        expect(data).to.have.lengthOf(16);
        expect(inputs[239], 'the mark').to.equal(15);
        expect(inputs[238], 'no blank behind the last data token').to.be.below(14);
        expect([...inputs.slice(240)].every(id => id === 14)).to.equal(true);
        expect([...labels.slice(240)]).to.deep.equal(data);
        for (const {position, distance} of queries)
          expect(inputs[position - distance]).to.equal(labels[position]);
      }
    }
  });

  it('puts blanks before each data token alike', () => {
    const samples = samplesOf(createMadSelectiveCopying(), 1000);
    const gaps = samples.flatMap(({inputs}) => {
      const places = [...inputs.keys()].filter(i => inputs[i] < 14);
      return [[places[0], places[8] - places[7] - 1, places[15] - places[14] - 1]];
    });
    const each = (256 - 33) / 16;
    for (const i of [0, 1, 2]) expect(mean(gaps.map(gap => gap[i]))).to.be.closeTo(each, 0.6);
  });

  it('is sound and the same on every machine', () => {
    expectSoundTask(createMadSelectiveCopying());
    expect(streamHash(createMadSelectiveCopying())).to.equal(
      '8664f4440bbd48bf3d6c3a3a9f90da9ae3dbf2fe8eafef52d4a1d86c4517f745',
    );
  });

  it('refuses a length that cannot hold the answer', () => {
    expect(() => createMadSelectiveCopying({length: 32})).to.throw(
      SettingError,
      'at least 2 x tokens + 1 = 33, got 32',
    );
  });
});

describe('MAD compression', () => {
  it('wants every token back, the mark included, from an auto-encoder', () => {
    const task = createMadCompression();
    expect(task.backbone).to.equal('autoencoder');
    const ids = new Set<number>();
    for (const {inputs, labels} of samplesOf(task, 100)) {
      expect(labels).to.deep.equal(inputs);
      expect(inputs[31]).to.equal(15);
      for (const id of inputs.slice(0, 31)) ids.add(id);
    }
    expect([...ids].sort((a, b) => a - b)).to.deep.equal(Array.from({length: 15}, (_, i) => i));
  });

  it('is sound and the same on every machine', () => {
    expectSoundTask(createMadCompression());
    expect(streamHash(createMadCompression())).to.equal(
      '1fb65df409c92267b670fc3d186eb312e945b92dc18e452ce448d39dc09d586f',
    );
  });
});

describe('MAD memorization', () => {
  it('asks for one map, the same in both splits, whose values never stand in the input', () => {
    const map = new Map<number, number>();
    for (const split of ['train', 'test'] as const) {
      for (const {inputs, labels, queries} of samplesOf(createMadMemorization(), 256, split)) {
        expect(queries).to.have.lengthOf(16);
        for (const {position} of queries) {
          expect(inputs[position]).to.equal(255);
          const key = inputs[position - 1];
          expect(key).to.be.within(0, 126);
          expect(labels[position]).to.be.within(127, 254);
          expect(map.get(key) ?? labels[position]).to.equal(labels[position]);
          map.set(key, labels[position]);
        }
      }
    }
    expect(map.size, '127 pairs at V 256').to.equal(127);
    expect(new Set(map.values()).size, 'one to one').to.equal(127);
    const other = samplesOf(createMadMemorization({mapSeed: 1}), 20);
    expect(other.some(({inputs, labels}) => map.get(inputs[0]) !== labels[1])).to.equal(true);
  });

  it('is sound and the same on every machine', () => {
    expectSoundTask(createMadMemorization({trainExamples: 0}));
    expect(streamHash(createMadMemorization())).to.equal(
      'd18109b0d1606a8bd8f90c3522b9ea8ffb0e6770b407b7b980fd027b6adce042',
    );
  });
});
