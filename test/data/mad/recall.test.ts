import {expect} from 'chai';
import {SettingError} from '../../../config/schema.js';
import {createMadRecall} from '../../../data/mad/in-context-recall.js';
import {createMadNoisyRecall} from '../../../data/mad/noisy-recall.js';
import {IGNORED} from '../../../data/task.js';
import {expectSoundTask, mean, samplesOf, streamHash} from '../../support/samples.js';

describe('MAD in-context recall', () => {
  it('asks in test for the value that every repeated key had, and in training for every next token', () => {
    for (const {inputs, labels, queries} of samplesOf(createMadRecall(), 100)) {
      const shown = new Map<number, number>();
      const tokens = [...inputs, labels[126]];
      const asked: number[] = [];
      for (let at = 0; at < 128; at += 2) {
        expect(tokens[at]).to.be.within(0, 7);
        expect(tokens[at + 1]).to.be.within(8, 15);
        if (shown.has(tokens[at])) {
          asked.push(at);
          expect(tokens[at + 1], 'a key keeps its value').to.equal(shown.get(tokens[at]));
          expect(labels[at]).to.equal(tokens[at + 1]);
        }
        shown.set(tokens[at], tokens[at + 1]);
      }
      expect(queries.map(({position}) => position)).to.deep.equal(asked);
      expect(asked.at(-1), 'the last pair repeats a key').to.equal(126);
      for (const {position, distance} of queries) {
        expect(inputs[position - distance]).to.equal(labels[position]);
        expect(inputs[position - distance - 1]).to.equal(inputs[position]);
      }
    }
    for (const {inputs, labels} of samplesOf(createMadRecall(), 20, 'train')) {
      expect(labels.slice(0, -1)).to.deep.equal(inputs.slice(1));
      expect([...labels]).not.to.include(IGNORED);
    }
  });

  // Mean scored positions of the published generator.
  for (const [vocabSize, length, scored] of [
    [16, 128, 56.0],
    [128, 128, 23.7],
    [16, 1024, 504],
  ]) {
    it(`scores as many positions as the published generator at V ${vocabSize}, L ${length}`, () => {
      const counts = samplesOf(createMadRecall({vocabSize, length}), 400).map(({queries}) => queries.length);
      expect(mean(counts)).to.be.closeTo(scored, 0.6);
    });
  }

  it('is sound and the same on every machine', () => {
    expectSoundTask(createMadRecall());
    expect(streamHash(createMadRecall())).to.equal(
      '49f05366bbc6d6d1a8b6976a0d46220a89322d8feeff3c974ca3d308eddf1a23',
    );
  });

  it('passes over a finite training set in a new order each time', () => {
    const task = createMadRecall({trainExamples: 50});
    const pass = (number: number): string[] =>
      Array.from({length: 50}, (_, i) =>
        task.sample({seed: 3, split: 'train', index: 50 * number + i}).inputs.join(),
      );
    const [first, second] = [pass(0), pass(1)];
    expect(new Set(first).size).to.equal(50);
    expect(new Set(second)).to.deep.equal(new Set(first));
    expect(second).not.to.deep.equal(first);
    expect(pass(0), 'no order, no shared state').to.deep.equal(first);
    const held = new Set(samplesOf(task, 200).map(({inputs}) => inputs.join()));
    expect(held.size, 'held-out samples are endless').to.equal(200);
    for (const text of first) expect(held.has(text)).to.equal(false);
  });

  it('refuses odd sizes', () => {
    expect(() => createMadRecall({length: 127})).to.throw(SettingError, 'length must be even, got 127');
    expect(() => createMadRecall({vocabSize: 15})).to.throw(SettingError, 'vocabSize must be even, got 15');
  });
});

describe('MAD noisy recall', () => {
  for (const [noiseShare, scored] of [
    [0.2, 43.6],
    [0.8, 8.0],
  ]) {
    it(`scores as many positions as the published generator with noise ${noiseShare}`, () => {
      const samples = samplesOf(createMadNoisyRecall({noiseShare}), 1000);
      expect(mean(samples.map(({queries}) => queries.length))).to.be.closeTo(scored, 0.5);
      const noise = samples.flatMap(({inputs}) => [...inputs].filter(id => id >= 16));
      expect(noise.length / samples.length / 127).to.be.closeTo(noiseShare * (62 / 64), 0.01);
      for (const {inputs, labels, queries} of samples.slice(0, 50)) {
        expect(queries.at(-1)?.position).to.equal(126);
        for (const {position, distance} of queries) {
          expect(inputs[position]).to.be.below(8);
          expect(inputs[position - distance]).to.equal(labels[position]);
        }
      }
    });
  }

  it('is sound and the same on every machine', () => {
    expectSoundTask(createMadNoisyRecall());
    expect(streamHash(createMadNoisyRecall())).to.equal(
      '2806ac41294d3850baa876c7abd80b56dd6281dd7178705cebb0ee3bc1467114',
    );
  });

  it('refuses a vocabulary without pairs', () => {
    expect(() => createMadNoisyRecall({vocabSize: 16})).to.throw(SettingError, 'got 16 - 16 = 0');
  });
});
