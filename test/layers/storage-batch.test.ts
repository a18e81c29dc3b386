// Other sequences of the batch in the store of training: what queries see of them, and that nothing else changes.

import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {SettingError} from '../../config/schema.js';
import {ArgumentError, useBackend} from '../../custom-ops/index.js';
import {parseRunConfig} from '../../experiments/run-config.js';
import type {BMojoMixerArgs} from '../../layers/index.js';
import {BMojoMixer, disposeState} from '../../layers/index.js';
import {bestOfBatch} from '../../layers/storage-batch.js';
import {expectClose} from '../support/error.js';
import {normal3d} from '../support/tensors.js';

const [BATCH, LENGTH, WIDTH, WINDOW] = [3, 22, 16, 4];
const LEFT = LENGTH * WIDTH;

const mixer = (given: BMojoMixerArgs = {}): BMojoMixer =>
  new BMojoMixer({heads: 2, window: WINDOW, stateSize: 4, eideticSlots: 2, storage: 3, seed: 3, ...given});

const trained = (layer: BMojoMixer, x: tf.Tensor3D): Float32Array =>
  tf.tidy(() => (layer.apply(x, {training: true}) as tf.Tensor).dataSync<'float32'>().slice());

for (const backend of ['cpu', 'wasm'] as const) {
  describe(`storage of the batch on ${backend}`, () => {
    before(() => useBackend(backend));

    it('finds the best rows of all sequences that take part, in numbers that lead to their keys', () => {
      tf.tidy(() => {
        const [groups, head, others, count] = [2, 5, 1, 4];
        const drawn = (seed: number): tf.Tensor4D =>
          tf.reshape(normal3d([BATCH, LENGTH * groups, head], seed), [BATCH, LENGTH, groups, head]);
        const [q, keys, values] = [1, 2, 3].map(drawn);
        const admitted = tf.tensor2d(
          Array.from({length: BATCH * LENGTH}, (_, i) => (i % 5 === 2 ? 0 : 1)),
          [BATCH, LENGTH],
          'int32',
        );
        const options = {count, window: WINDOW};
        const all = bestOfBatch(q, {keys, values, admitted}, options, others);
        const found = all.found.arraySync();
        const [queries, own, joinedKeys, joinedValues, ownValues] = [
          q,
          keys,
          all.keys,
          all.values,
          values,
        ].map(one => one.arraySync());
        for (let b = 0; b < BATCH; b++)
          for (let t = 0; t < LENGTH; t++)
            for (let g = 0; g < groups; g++) {
              const limit = Math.max(0, (Math.floor(t / WINDOW) - 1) * WINDOW);
              const best = [b, (b + 1) % BATCH]
                .flatMap(sequence => Array.from({length: limit}, (_, row) => ({sequence, row})))
                .filter(({sequence, row}) => (sequence * LENGTH + row) % 5 !== 2)
                .map(one => ({
                  ...one,
                  score: queries[b][t][g].reduce((s, x, d) => s + x * own[one.sequence][one.row][g][d], 0),
                }))
                .sort((one, other) => other.score - one.score)
                .slice(0, count);
              const rows = found[b][t][g].filter(row => row >= 0);
              const sorted = (list: number[][]): string[] => list.map(row => row.join()).sort();
              expect(sorted(rows.map(row => joinedKeys[b][row][g]))).to.deep.equal(
                sorted(best.map(({sequence, row}) => own[sequence][row][g])),
              );
              expect(sorted(rows.map(row => joinedValues[b][row][g]))).to.deep.equal(
                sorted(best.map(({sequence, row}) => ownValues[sequence][row][g])),
              );
            }
      });
    });

    it('changes nothing outside training, and none of a batch nothing in it, bit for bit', () => {
      const x = normal3d([BATCH, LENGTH, WIDTH], 5);
      const without = trained(mixer(), x);
      const outside = tf.tidy(() => (mixer({storageNegatives: 2}).apply(x) as tf.Tensor).dataSync());
      expect(outside).to.deep.equal(without);
      expect(trained(mixer({storageNegatives: 2}), x)).to.not.deep.equal(without);
    });

    it('a later token of any sequence changes nothing earlier in any', () => {
      const layer = mixer({storageNegatives: 2, storage: 64});
      const x = normal3d([BATCH, LENGTH, WIDTH], 6);
      const plain = trained(layer, x);
      // Token 6 of sequence 1 stands in the chunk that queries from 12 on see of others.
      const [sequence, token, seen] = [1, 6, 12];
      const at = (sequence * LENGTH + token) * WIDTH;
      const moved = trained(
        layer,
        tf.tensor3d(
          x.dataSync().map((value, i) => (i >= at && i < at + WIDTH ? value + 1 : value)),
          [BATCH, LENGTH, WIDTH],
        ),
      );
      for (let b = 0; b < BATCH; b++) {
        const first = b === sequence ? token : seen;
        const begin = b * LEFT + first * WIDTH;
        expect(moved.slice(b * LEFT, begin), `sequence ${b}`).to.deep.equal(plain.slice(b * LEFT, begin));
        expect(moved.slice(begin, begin + WIDTH)).to.not.deep.equal(plain.slice(begin, begin + WIDTH));
      }
    });

    it('whole equals segments, as in training through time', () => {
      const layer = mixer({storageNegatives: 1, storageShare: 0.5, storageEntry: 'spaced'});
      tf.tidy(() => {
        const x = normal3d([BATCH, LENGTH, WIDTH], 7);
        const whole = layer.apply(x, {training: true}) as tf.Tensor3D;
        let state = layer.initialState(BATCH);
        const parts = [0, 9, 18].map((begin, i, begins) => {
          const part = tf.slice(x, [0, begin, 0], [BATCH, (begins[i + 1] ?? LENGTH) - begin, WIDTH]);
          const {y, state: next} = layer.step(part, state, {position: begin, training: {}});
          state = next;
          return y;
        });
        expectClose(tf.concat(parts, 1).dataSync(), whole.dataSync(), 1e-5, 'output');
        disposeState(state);
      });
    });

    it('gradients agree with finite differences, those through keys of other sequences too', () => {
      const layer = mixer({storageNegatives: 1, storage: 64});
      tf.tidy(() => {
        const shape = [2, 19, 8] as [number, number, number];
        const x = normal3d(shape, 3);
        const cotangent = tf.concat([tf.zeros([1, 19, 8]), normal3d([1, 19, 8], 4)]);
        const loss = (input: tf.Tensor): tf.Scalar =>
          tf.sum(tf.mul(layer.apply(input, {training: true}) as tf.Tensor, cotangent)).asScalar();
        const gradient = tf.grad(loss)(x).dataSync();
        const values = x.dataSync();
        for (const index of [3, 17, 60, 152 + 9, 152 + 77]) {
          const at = (shift: number): number => {
            const moved = Float32Array.from(values);
            moved[index] += shift;
            return loss(tf.tensor3d(moved, shape)).dataSync()[0];
          };
          expect(gradient[index]).to.be.closeTo((at(1e-2) - at(-1e-2)) / 2e-2, 5e-3);
        }
        expect(
          gradient.slice(0, 152).some(value => Math.abs(value) > 1e-3),
          'of the other',
        ).to.equal(true);
      });
      layer.dispose();
    });
  });
}

describe('storage of the batch', () => {
  before(() => useBackend('wasm'));

  it('refuses a batch that has not so many sequences, by run and by layer', () => {
    const x = normal3d([2, LENGTH, WIDTH], 5);
    expect(() => trained(mixer({storageNegatives: 2}), x)).to.throw(
      ArgumentError,
      'x must be of more than storageNegatives = 2 sequences in training',
    );
    const run = (storage: number) =>
      parseRunConfig('mqar', {
        model: {storage, storageNegatives: 4},
        train: {batch: 8, accumulate: 2},
      });
    expect(() => run(8)).to.throw(SettingError, 'storageNegatives must be below the 4 sequences');
    expect(run(0).model.storageNegatives).to.equal(4);
  });
});
