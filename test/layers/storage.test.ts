// Memory in storage against plain loops and dense attention, and what enters it.

import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {SettingError} from '../../config/schema.js';
import {useBackend} from '../../custom-ops/index.js';
import type {BMojoMixerArgs} from '../../layers/index.js';
import {BMojoMixer, disposeState, SlidingWindowAttention} from '../../layers/index.js';
import {entryOf} from '../../layers/storage-entry.js';
import {StorageLayout, storageCapacity} from '../../layers/storage-layout.js';
import {expectClose} from '../support/error.js';
import {denseAttention} from '../support/independent-blocks.js';
import {normal3d} from '../support/tensors.js';

const [BATCH, LENGTH, WIDTH, HEADS, GROUPS, WINDOW, COUNT] = [2, 37, 16, 4, 2, 5, 3];
const HEAD = WIDTH / HEADS;

type Rows = number[][];

const weight = (layer: BMojoMixer, name: string): Rows => {
  const found = layer.trainableWeights.find(one => one.originalName.endsWith(`/${name}`));
  if (found === undefined) throw new Error(`no weight ${name}`);
  return (found.read() as tf.Tensor2D).arraySync();
};

const times = (row: readonly number[], matrix: Rows): number[] =>
  matrix[0].map((_, column) => row.reduce((sum, value, i) => sum + value * matrix[i][column], 0));

const dot = (a: readonly number[], b: readonly number[]): number =>
  a.reduce((sum, value, i) => sum + value * b[i], 0);

function turnedTo(position: number, head: readonly number[]): number[] {
  const half = head.length / 2;
  return head.map((value, i) => {
    const angle = position / 10000 ** ((i % half) / half);
    const other = i < half ? -head[i + half] : head[i - half];
    return value * Math.cos(angle) + other * Math.sin(angle);
  });
}

/** The layer's output for one sequence [L][D], in double precision: a window and the best rows of what left it. */
function looped(layer: BMojoMixer, h: Rows, positions: 'clamped' | 'true' | 'none', distance: number): Rows {
  const [q, k, v, o] = ['q_proj', 'k_proj', 'v_proj', 'o_proj'].map(name => weight(layer, name));
  const cut = (row: number[], head: number): number[] => row.slice(head * HEAD, (head + 1) * HEAD);
  const [queries, keys, values] = [q, k, v].map(matrix => h.map(row => times(row, matrix)));
  return h.map((_, t) => {
    const limit = Math.max(0, (Math.floor(t / WINDOW) - 1) * WINDOW);
    const mixed: number[] = [];
    const asked = (head: number): number[] => {
      const plain = cut(queries[t], head);
      return positions === 'none' ? plain : turnedTo(positions === 'true' ? t : distance, plain);
    };
    const stored = (row: number, group: number): number[] =>
      positions === 'true' ? turnedTo(row, cut(keys[row], group)) : cut(keys[row], group);
    for (let head = 0; head < HEADS; head++) {
      const group = Math.floor((head * GROUPS) / HEADS);
      const share = HEADS / GROUPS;
      const mean = asked(group * share).map(
        (_, d) =>
          Array.from({length: share}, (_, i) => asked(group * share + i)[d]).reduce((a, b) => a + b) / share,
      );
      const best = Array.from({length: limit}, (_, row) => ({row, score: dot(mean, stored(row, group))}))
        .sort((a, b) => b.score - a.score)
        .slice(0, COUNT);
      const seen = [
        ...Array.from({length: Math.min(WINDOW, t + 1)}, (_, i) => t - i).map(row => ({
          row,
          score: dot(turnedTo(t, cut(queries[t], head)), turnedTo(row, cut(keys[row], group))),
        })),
        ...best.map(({row}) => ({row, score: dot(asked(head), stored(row, group))})),
      ].map(({row, score}) => ({row, weight: Math.exp(score / Math.sqrt(HEAD))}));
      const total = seen.reduce((sum, one) => sum + one.weight, 0);
      const out = Array.from({length: HEAD}, (_, d) =>
        seen.reduce((sum, one) => sum + (one.weight / total) * cut(values[one.row], group)[d], 0),
      );
      mixed.push(...out);
    }
    return times(mixed, o);
  });
}

for (const backend of ['cpu', 'wasm'] as const) {
  describe(`storage on ${backend}`, () => {
    before(() => useBackend(backend));

    for (const [positions, given, distance] of [
      ['clamped', 0, 2 * WINDOW],
      ['clamped', 3, 3],
      ['true', 0, 0],
      ['none', 0, 0],
    ] as const) {
      it(`joins the best rows of what left the window to its softmax, positions ${positions} ${given}`, () => {
        const layer = new SlidingWindowAttention({
          heads: HEADS,
          kvHeads: GROUPS,
          window: WINDOW,
          storage: COUNT,
          storagePositions: positions,
          storageDistance: given,
        });
        const x = normal3d([BATCH, LENGTH, WIDTH], 7);
        const y = tf.tidy(() => (layer.apply(x) as tf.Tensor3D).arraySync());
        x.arraySync().forEach((h, sequence) => {
          const expected = looped(layer, h, positions, distance);
          expectClose(y[sequence].flat(), expected.flat(), 1e-5, `sequence ${sequence}`);
        });
        x.dispose();
        layer.dispose();
      });
    }

    it('of more rows than there are, at their positions, is dense attention with two bands less, gradients included', () => {
      const layer = new SlidingWindowAttention({
        heads: HEADS,
        kvHeads: GROUPS,
        window: WINDOW,
        storage: 64,
        storagePositions: 'true',
      });
      tf.tidy(() => {
        const [x, cotangent] = [1, 2].map(seed => normal3d([BATCH, LENGTH, WIDTH], seed));
        layer.apply(x);
        const names = layer.trainableWeights.map(one => one.originalName.split('/')[1]);
        const values = layer.trainableWeights.map(one => one.read() as tf.Variable);
        const sees = (t: number, row: number): boolean =>
          row <= t && (row > t - WINDOW || row < (Math.floor(t / WINDOW) - 1) * WINDOW);
        const dense = (input: tf.Tensor3D, tensors: readonly tf.Tensor[]): tf.Tensor =>
          denseAttention(input, Object.fromEntries(names.map((name, i) => [name, tensors[i]])), {
            heads: HEADS,
            kvHeads: GROUPS,
            sees,
          });
        expectClose((layer.apply(x) as tf.Tensor).dataSync(), dense(x, values).dataSync(), 1e-5, 'output');
        const {grads} = tf.variableGrads(
          () => tf.sum(tf.mul(layer.apply(x) as tf.Tensor, cotangent)).asScalar(),
          values,
        );
        const expected = tf.grads((...tensors: tf.Tensor[]) => tf.sum(tf.mul(dense(x, tensors), cotangent)))(
          values.map(value => value.clone()),
        );
        values.forEach((value, i) => {
          expectClose(grads[value.name].dataSync(), expected[i].dataSync(), 1e-4, `gradient of ${names[i]}`);
        });
      });
      layer.dispose();
    });

    it('gradients agree with finite differences where the choice of rows stays the same', () => {
      const layer = new BMojoMixer({heads: 2, window: 3, stateSize: 4, eideticSlots: 2, storage: 64});
      tf.tidy(() => {
        const x = normal3d([1, 19, 8], 3);
        const cotangent = normal3d([1, 19, 8], 4);
        const loss = (input: tf.Tensor): tf.Scalar =>
          tf.sum(tf.mul(layer.apply(input) as tf.Tensor, cotangent)).asScalar();
        const gradient = tf.grad(loss)(x).dataSync();
        const values = x.dataSync();
        for (const index of [0, 9, 40, 77, 151]) {
          const at = (shift: number): number => {
            const moved = Float32Array.from(values);
            moved[index] += shift;
            return loss(tf.tensor3d(moved, [1, 19, 8])).dataSync()[0];
          };
          expect(gradient[index]).to.be.closeTo((at(1e-2) - at(-1e-2)) / 2e-2, 5e-3);
        }
      });
      layer.dispose();
    });
  });
}

describe('storage', () => {
  before(() => useBackend('wasm'));

  const mixer = (given: BMojoMixerArgs): BMojoMixer =>
    new BMojoMixer({heads: 2, window: 4, stateSize: 4, eideticSlots: 3, seed: 3, ...given});
  const output = (layer: BMojoMixer, x: tf.Tensor3D): number[] =>
    tf.tidy(() => [...(layer.apply(x) as tf.Tensor).dataSync()]);

  it('that holds nothing is the layer without it, bit for bit', () => {
    const x = normal3d([2, 8, 16], 5);
    expect(output(mixer({storage: 4}), x), 'nothing has left').to.deep.equal(output(mixer({}), x));
    const longer = normal3d([2, 23, 16], 5);
    const [own, none] = [mixer({storage: 4}), mixer({})].map(layer => output(layer, longer));
    expect(own.slice(0, 8 * 16)).to.deep.equal(none.slice(0, 8 * 16));
    expect(own).to.not.deep.equal(none);
  });

  it('tells what was retrieved and its share of attention', () => {
    const layer = mixer({storage: 3, kvHeads: 1});
    const x = normal3d([1, 30, 16], 6);
    const {retrieved, shares} = layer.analyze(x);
    expect(retrieved?.shape).to.deep.equal([1, 30, 1, 3]);
    expect(shares?.shape).to.deep.equal([1, 30, 2, 4]);
    const rows = (retrieved as tf.Tensor4D).arraySync()[0];
    const parts = (shares as tf.Tensor4D).arraySync()[0];
    rows.forEach(([own], t) => {
      const limit = Math.max(0, (Math.floor(t / 4) - 1) * 4);
      expect(own.filter(row => row >= 0)).to.have.lengthOf(Math.min(3, limit));
      for (const row of own) expect(row).to.be.below(limit);
      for (const head of parts[t]) {
        expect(head.reduce((sum, part) => sum + part)).to.be.closeTo(1, 1e-5);
        if (limit === 0) expect(head[3]).to.equal(0);
        else expect(head[3]).to.be.above(0);
      }
    });
  });

  it('knows where tokens stand on the way to it', () => {
    expect([0, 4, 8, 12, 16, 20].map(tokens => storageCapacity({window: 4}, tokens))).to.deep.equal([
      0, 4, 8, 16, 16, 32,
    ]);
    const at = (position: number, fresh: number): number[] => {
      const {before, after, pending, entering} = new StorageLayout({window: 4}, position, fresh);
      return [before, after, pending, entering];
    };
    expect(at(0, 8)).to.deep.equal([0, 0, 0, 0]);
    expect(at(8, 1)).to.deep.equal([0, 4, 8, 4]);
    expect(at(9, 3)).to.deep.equal([4, 4, 5, 0]);
    expect(at(11, 6)).to.deep.equal([4, 12, 7, 8]);
  });

  it('lets in what innovates, at the wanted rate in the long run, whatever the scale', () => {
    const settings = {window: 8, storage: 1, storageShare: 0.25, storageEntry: 'innovation'} as const;
    const chunks = 200;
    for (const scale of [1, 1000]) {
      const scores = tf.tidy(() =>
        tf.exp(normal3d([2, 8 * chunks, 1], 9).reshape([2, 8 * chunks])).mul(scale),
      ) as tf.Tensor2D;
      const {entered} = entryOf(settings, 2, chunks, scores, undefined);
      const flags = (entered as tf.Tensor2D).arraySync();
      const innovations = scores.arraySync();
      flags.forEach((row, sequence) => {
        const share = row.reduce((sum, flag) => sum + flag) / row.length;
        expect(share).to.be.closeTo(0.25, 0.03);
        const mean = (wanted: number): number => {
          const own = innovations[sequence].filter((_, i) => row[i] === wanted);
          return own.reduce((sum, one) => sum + one, 0) / own.length;
        };
        expect(mean(1)).to.be.above(3 * mean(0));
      });
    }
  });

  it('lets in every n-th', () => {
    const settings = {window: 6, storage: 1, storageShare: 1 / 3, storageEntry: 'spaced'} as const;
    const {entered} = entryOf(settings, 1, 2, undefined, undefined);
    expect((entered as tf.Tensor2D).arraySync()[0]).to.deep.equal([0, 0, 1, 0, 0, 1, 0, 0, 1, 0, 0, 1]);
  });

  it('that a token did not enter does not give it', () => {
    const layer = mixer({storage: 8, storageShare: 0.5, storageEntry: 'spaced', eideticSlots: 0});
    const {retrieved} = layer.analyze(normal3d([1, 30, 16], 6));
    const rows = (retrieved as tf.Tensor4D).arraySync().flat(3);
    expect(rows.some(row => row >= 0)).to.equal(true);
    for (const row of rows) if (row >= 0) expect(row % 2).to.equal(1);
  });

  it('does not keep the memory that it was stepped from', () => {
    const layer = mixer({storage: 2});
    const x = normal3d([1, 40, 16], 8);
    let state = layer.initialState(1);
    for (let t = 0; t < 40; t++) {
      const result = layer.step(tf.slice(x, [0, t, 0], [1, 1, 16]), state, {position: t});
      disposeState(state);
      state = result.state;
      expect(result.y.dataSync().every(Number.isFinite)).to.equal(true);
    }
    disposeState(state);
  });

  it('refuses settings that do not fit', () => {
    const refused = (given: BMojoMixerArgs, words: RegExp): void => {
      expect(() => new BMojoMixer({storage: 4, ...given})).to.throw(SettingError, words);
    };
    refused({attention: false, fading: 'none', eideticSlots: 0}, /storage must be 0 without attention/);
    refused({window: 0, fading: 'none', ssm: false, eideticSlots: 0}, /window must be >= 1 with storage/);
    refused({positions: 'none', storagePositions: 'true'}, /storagePositions must be 'clamped' or 'none'/);
    refused(
      {ssm: false, fading: 'none', eideticSlots: 0, storageShare: 0.5},
      /storageEntry must be 'spaced' without ssm/,
    );
    refused({window: 32, storageShare: 1 / 3, storageEntry: 'spaced'}, /storageShare must be 1 \/ n/);
    refused({window: 32, storageShare: 0.3, storageEntry: 'spaced'}, /storageShare must be 1 \/ n/);
  });
});
