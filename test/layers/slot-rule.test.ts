// Which tokens the slots of a mixer keep, by each rule.

import type {Tensor} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {BMojoMixerArgs, MixerAnalysis} from '../../layers/index.js';
import {BMojoMixer} from '../../layers/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {normal3d} from '../support/tensors.js';

const [LENGTH, WINDOW, SLOTS] = [96, 8, 6];
const shared = {heads: 2, window: WINDOW, stateSize: 4, eideticSlots: SLOTS, seed: 3} as const;

/** Tokens stored for the last chunk, the best first, and what the mixer knows of all. */
function lastStored(args: BMojoMixerArgs): {stored: number[]; analysis: MixerAnalysis} {
  const mixer = new BMojoMixer({...shared, ...args});
  const x = normal3d([1, LENGTH, 8], 5);
  mixer.build([1, LENGTH, 8]);
  const analysis = mixer.analyze(x, {rows: true});
  const stored = Array.from((analysis.stored as Tensor).dataSync()).slice(-SLOTS);
  return {stored, analysis};
}

/** What may be stored for the last chunk: everything before the window behind it. */
const candidates = Array.from({length: LENGTH - 2 * WINDOW}, (_, position) => position);
const best = (score: (position: number) => number): number[] =>
  [...candidates].sort((a, b) => score(b) - score(a) || a - b).slice(0, SLOTS);

for (const backend of readableBackends) {
  describe(`rules of eidetic slots on ${backend}`, () => {
    before(async function () {
      await useReadableBackend(this, backend);
    });

    it('innovation keeps what the fading memory predicted worst', () => {
      const {stored, analysis} = lastStored({});
      const innovation = (analysis.innovation as Tensor).dataSync();
      expect(stored).to.deep.equal(best(position => innovation[position]));
    });

    it('latest keeps the last that left the window', () => {
      expect(lastStored({eideticRule: 'latest'}).stored).to.deep.equal(candidates.slice(-SLOTS).reverse());
    });

    it('key-norm keeps the largest keys', () => {
      const {stored, analysis} = lastStored({eideticRule: 'key-norm', positions: 'none'});
      const keys = Array.from((analysis.keys as Tensor).dataSync());
      const width = keys.length / LENGTH;
      const norm = (position: number): number =>
        keys.slice(position * width, (position + 1) * width).reduce((sum, x) => sum + x * x, 0);
      expect(stored).to.deep.equal(best(norm));
    });

    it('chance keeps tokens of all parts, whatever they are', () => {
      const {stored} = lastStored({eideticRule: 'chance'});
      expect(lastStored({eideticRule: 'chance', seed: 4}).stored).to.deep.equal(stored);
      expect(new Set(stored).size).to.equal(SLOTS);
      expect(Math.min(...stored)).to.be.below(LENGTH / 2);
      expect(Math.max(...stored)).to.be.above(LENGTH / 2);
    });
  });
}

it('eideticRule chance is refused without rotary positions', () => {
  expect(() => new BMojoMixer({...shared, eideticRule: 'chance', positions: 'none'})).to.throw(
    /eideticRule must not be 'chance' when positions is 'none'/,
  );
});
