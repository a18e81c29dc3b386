// Masks: the share that was asked for, nothing in common between seeds and streams, the same bits on every backend.

import type {Tensor3D} from '@tensorflow/tfjs-core';
import {memory, ones, tensor1d, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {elementHash, keepScale} from '../../custom-ops/dropout/hash.js';
import {ArgumentError, dropout} from '../../custom-ops/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';

const COUNT = 1 << 16;
const RATE = 0.3;

function kept(seed: readonly number[], stream: number, offset = 0): Int8Array {
  const hash = elementHash(seed, stream);
  return Int8Array.from({length: COUNT}, (_, i) => (hash(i + offset) < RATE * 2 ** 32 ? 0 : 1));
}

/** Correlation of two masks in standard errors. */
function correlation(a: Int8Array, b: Int8Array): number {
  const total = a.reduce((sum, one, i) => sum + (one - (1 - RATE)) * (b[i] - (1 - RATE)), 0);
  return total / (RATE * (1 - RATE)) / Math.sqrt(COUNT);
}

describe('dropout masks', () => {
  const first = kept([1, 0], 5);

  it('keep the share that was asked for', () => {
    for (const seed of [
      [0, 0],
      [1, 0],
      [0, 1],
      [-1, 2 ** 31 - 1],
      [7, 12345],
    ]) {
      const share = kept(seed, 3).reduce((sum, one) => sum + one, 0) / COUNT;
      const error = Math.sqrt((RATE * (1 - RATE)) / COUNT);
      expect(Math.abs(share - (1 - RATE)) / error, `seed ${seed}`).to.be.below(4);
    }
  });

  it('have nothing in common from seed to seed, place to place, element to element', () => {
    const others: Record<string, Int8Array> = {
      'next step': kept([1, 12], 5),
      'next seed': kept([2, 0], 5),
      'numbers exchanged': kept([0, 1], 5),
      'next stream': kept([1, 0], 6),
      'far stream': kept([1, 0], 2 ** 24 - 1),
      'next element': kept([1, 0], 5, 1),
      'next row of 384': kept([1, 0], 5, 384),
      'next of 65536': kept([1, 0], 5, COUNT),
    };
    for (const [name, other] of Object.entries(others))
      expect(Math.abs(correlation(first, other)), name).to.be.below(4);
  });

  it('fill the hash evenly', () => {
    const counts = new Int32Array(256);
    const hash = elementHash([3, 4], 9);
    for (let i = 0; i < COUNT; i++) counts[hash(i) >>> 24]++;
    const mean = COUNT / 256;
    const chiSquare = counts.reduce((sum, count) => sum + (count - mean) ** 2 / mean, 0);
    // 255 degrees of freedom: deviation 22.6.
    expect(chiSquare).to.be.within(255 - 4 * 22.6, 255 + 4 * 22.6);
  });
});

for (const backend of readableBackends) {
  describe(`dropout on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });

    it('makes the bits of the definition', async () => {
      const hash = elementHash([-3, 2 ** 31 - 1], 123456);
      const y = tidy(() =>
        dropout(
          {x: ones([3, 41, 17]), seed: tensor1d([-3, 2 ** 31 - 1], 'int32')},
          {rate: RATE, stream: 123456},
        ),
      );
      const values = await y.data();
      y.dispose();
      const wanted = Float32Array.from(values, (_, i) => (hash(i) < RATE * 2 ** 32 ? 0 : keepScale(RATE)));
      expect(values).to.deep.equal(wanted);
    });

    it('refuses a rate of one, a stream that is no number of a place, a seed of another length', () => {
      const before = memory().numTensors;
      tidy(() => {
        const x = ones([1, 2, 3]) as Tensor3D;
        const seed = tensor1d([1, 2], 'int32');
        expect(() => dropout({x, seed}, {rate: 1, stream: 0})).to.throw(ArgumentError, 'rate must be');
        expect(() => dropout({x, seed}, {rate: 0.1, stream: -1})).to.throw(ArgumentError, 'stream must be');
        const short = tensor1d([1], 'int32');
        expect(() => dropout({x, seed: short}, {rate: 0.1, stream: 1})).to.throw(
          ArgumentError,
          'dropout: seed must be two numbers, [2], got [1]',
        );
      });
      expect(memory().numTensors).to.equal(before);
    });
  });
}
