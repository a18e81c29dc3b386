// Tasks that are tested at lengths beyond the trained ones.

import {expect} from 'chai';
import {SettingError} from '../../config/schema.js';
import {drawBatch} from '../../data/batch.js';
import {createInductionHeads} from '../../data/induction-heads.js';
import {createMqarMixture} from '../../data/mqar-mixture.js';
import {createNeedle} from '../../data/needle.js';
import {createSelectiveCopying} from '../../data/selective-copying.js';
import {expectSoundTask, mean, samplesOf, streamHash} from '../support/samples.js';

describe('induction heads', () => {
  it('shows the special token twice and wants what followed the first', () => {
    const places: number[] = [];
    for (const {inputs, labels, queries} of samplesOf(createInductionHeads(), 2000)) {
      const special = [...inputs.keys()].filter(i => inputs[i] === 0);
      expect(special).to.have.lengthOf(2);
      expect(special[1]).to.equal(255);
      expect(labels[255]).to.equal(inputs[special[0] + 1]);
      expect(queries).to.deep.equal([{position: 255, distance: 254 - special[0]}]);
      places.push(special[0]);
    }
    expect(mean(places)).to.be.closeTo(253 / 2, (4 * 254) / Math.sqrt(12 * 2000));
    expect(Math.max(...places)).to.be.at.most(253);
  });

  it('is sound and the same on every machine', () => {
    expectSoundTask(createInductionHeads());
    expect(streamHash(createInductionHeads())).to.equal(
      '6a95a8ddf06edda4239c8df858e29e0a7498298010f5f5a84fc2cbaa642a54ac',
    );
  });
});

describe('selective copying', () => {
  it('scatters the data tokens uniformly and wants them in order', () => {
    const places: number[] = [];
    for (const {inputs, labels, queries} of samplesOf(createSelectiveCopying(), 300)) {
      const data = [...inputs.keys()].filter(i => inputs[i] !== 0 && inputs[i] !== 16);
      expect(data).to.have.lengthOf(16);
      expect([...inputs.slice(256)].every(id => id === 16)).to.equal(true);
      expect([...labels.slice(256)]).to.deep.equal(data.map(i => inputs[i]));
      expect(queries.map(({position, distance}) => position - distance)).to.deep.equal(data);
      places.push(...data);
    }
    expect(mean(places)).to.be.closeTo(127.5, (4 * 256) / Math.sqrt(12 * 4800));
  });

  it('is sound, the same on every machine, and refuses tokens that do not fit', () => {
    expectSoundTask(createSelectiveCopying());
    expect(streamHash(createSelectiveCopying())).to.equal(
      '90eca16efbfec3f8ed5fee9cade3116a666e6ce7b6e044cf01521aff00f983b3',
    );
    expect(() => createSelectiveCopying({length: 8})).to.throw(SettingError, 'at least tokens = 16, got 8');
  });
});

describe('needles in a haystack', () => {
  const settings = {length: 120, keys: 3, queries: 2, values: 2, digits: 3};
  const task = createNeedle(settings);

  it('hides each value behind its mark and key, and wants the values of the keys asked for, in order', () => {
    for (const {inputs, labels, queries} of samplesOf(task, 200)) {
      const tokens = [...inputs];
      expect(tokens).to.have.lengthOf(120);
      const marks = [...tokens.keys()].filter(i => tokens[i] === 0);
      expect(marks).to.have.lengthOf(6);
      const values = new Map<number, number[]>();
      for (const mark of marks) {
        const key = tokens[mark + 1];
        expect(key).to.be.within(2, 33);
        const digits = tokens.slice(mark + 2, mark + 5);
        for (const digit of digits) expect(digit).to.be.within(34, 43);
        values.set(key, [...(values.get(key) ?? []), ...digits]);
      }
      expect(values.size).to.equal(3);
      const questions = [...tokens.keys()].filter(i => tokens[i] === 1);
      expect(questions).to.deep.equal([120 - 14, 120 - 7]);
      const wanted = questions.flatMap(at => {
        const value = values.get(tokens[at + 1]) ?? [];
        expect(tokens.slice(at + 2, at + 7), 'all but the last digit are given').to.deep.equal(
          value.slice(0, 5),
        );
        return value;
      });
      expect(queries.map(({position}) => labels[position])).to.deep.equal(wanted);
      for (const {position, distance} of queries)
        expect(tokens[position - distance]).to.equal(labels[position]);
    }
  });

  it('fills a cycle or random ids around the needles, at the depths asked for', () => {
    const hay = (filler: 'cycle' | 'random'): number[][] =>
      samplesOf(createNeedle({filler, length: 200}), 50).map(({inputs}) =>
        [...inputs].filter(id => id >= 44),
      );
    for (const line of hay('cycle'))
      line.slice(1).forEach((id, i) => {
        expect(id - 44).to.equal((line[i] - 44 + 1) % 20);
      });
    expect(new Set(hay('random').flat()).size).to.equal(20);
    const depths = samplesOf(createNeedle({minDepth: 0.25, maxDepth: 0.5, length: 207}), 500).map(
      ({inputs}) => inputs.indexOf(0),
    );
    expect(Math.min(...depths)).to.be.within(50, 52);
    expect(Math.max(...depths)).to.be.within(98, 100);
  });

  it('is sound and the same on every machine', () => {
    expectSoundTask(task);
    expect(streamHash(createNeedle())).to.equal(
      'cd831373e85ab3004b9648574badbec3b4966efb41de594dc374fc953b5b900c',
    );
  });

  it('refuses needles that do not fit', () => {
    expect(() => createNeedle({length: 19, keys: 4})).to.throw(
      SettingError,
      'length must be at least 20 for 4 x 1 needles',
    );
    expect(() => createNeedle({queries: 2})).to.throw(
      SettingError,
      'queries must be at most keys = 1, got 2',
    );
    expect(() => createNeedle({minDepth: 0.5, maxDepth: 0.2})).to.throw(
      SettingError,
      'minDepth must be at most',
    );
  });
});

describe('mqar on a mixture', () => {
  const small = {vocabSize: 64, parts: '16x2:3,32x4:1', testParts: '16x2,64x8', block: 8};
  const task = createMqarMixture(small);

  it('trains blocks of one part each, by weight', () => {
    const lengths = samplesOf(task, 8 * 2000, 'train').map(({inputs}) => inputs.length);
    expect(task.batchShapes).to.equal(new Set(lengths).size);
    for (let block = 0; block < lengths.length; block += 8)
      expect(new Set(lengths.slice(block, block + 8)).size).to.equal(1);
    const short = lengths.filter(length => length === 16).length / lengths.length;
    expect(short).to.be.closeTo(0.75, 4 * Math.sqrt((0.75 * 0.25) / 2000));
    for (const {inputs, queries} of samplesOf(task, 100, 'train'))
      expect(queries.length).to.equal(inputs.length === 16 ? 2 : 4);
  });

  it('tests the parts in turn', () => {
    const lengths = samplesOf(task, 256).map(({inputs}) => inputs.length);
    expect(new Set(lengths.slice(0, 64))).to.deep.equal(new Set([16]));
    expect(new Set(lengths.slice(64, 128))).to.deep.equal(new Set([64]));
    expect(lengths.filter(length => length === 64)).to.have.lengthOf(128);
    expect(task.length).to.equal(64);
  });

  it('fills short samples of a batch up behind their end', () => {
    const {length, tokens, rows} = drawBatch(task, {seed: 1, split: 'test', index: 60}, 8);
    expect(length).to.equal(64);
    for (let b = 0; b < 4; b++)
      expect([...tokens.slice(b * 64 + 16, b * 64 + 64)].every(id => id === 0)).to.equal(true);
    expect(rows).to.have.lengthOf(4 * 2 + 4 * 8);
    for (const row of rows.slice(0, 8)) expect(row % 64).to.be.below(16);
  });

  it('is sound and the same on every machine', () => {
    expectSoundTask(task);
    expect(streamHash(createMqarMixture())).to.equal(
      '1f537db2a923251b3128e055c10c7c52978402b50786ca9e7f2620457c285db8',
    );
  });

  it('refuses parts that it cannot read or fill', () => {
    expect(() => createMqarMixture({parts: '64-4'})).to.throw(SettingError, 'LENGTHxPAIRS');
    expect(() => createMqarMixture({parts: '64x4:0'})).to.throw(SettingError, 'parts must be');
    expect(() => createMqarMixture({testParts: '64x40'})).to.throw(SettingError, 'at least 4 x pairs');
  });
});
