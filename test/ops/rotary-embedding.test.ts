// What rotaryEmbedding's public form adds to its kernel: positions, precision far out, the law that makes it useful.

import type {Rank} from '@tensorflow/tfjs-core';
import {memory, randomNormal, slice, tensor2d, tensor4d} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {
  ArgumentError,
  rotaryEmbedding,
  rotaryEmbeddingWithTable,
  rotaryTable,
} from '../../custom-ops/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {expectClose} from '../support/error.js';

for (const backend of readableBackends) {
  describe(`rotaryEmbedding on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });

    it('rotates by the position, precisely a million tokens out', () => {
      const x = tensor4d([1, 0, 0, 0], [1, 1, 1, 4]);
      for (const offset of [0, 1, 999_983]) {
        const expected = [Math.cos(offset), 0, Math.sin(offset), 0];
        expectClose(rotaryEmbedding(x, {offset}).dataSync(), expected, 1e-6, `position ${offset}`);
      }
    });

    it('makes dot products depend on distance alone', () => {
      const [q, k] = [
        randomNormal<Rank.R4>([1, 1, 1, 16], 0, 1, 'float32', 1),
        randomNormal<Rank.R4>([1, 1, 1, 16], 0, 1, 'float32', 2),
      ];
      const dotAt = (i: number, j: number) =>
        rotaryEmbedding(q, {offset: i})
          .mul(rotaryEmbedding(k, {offset: j}))
          .sum()
          .dataSync()[0];
      expect(dotAt(1007, 1000)).to.be.closeTo(dotAt(7, 0), 1e-5);
      expect(Math.abs(dotAt(7, 0) - dotAt(0, 0))).to.be.greaterThan(1e-2);
    });

    it('takes an offset and scattered positions alike', () => {
      const x = randomNormal<Rank.R4>([2, 5, 3, 8]);
      const whole = rotaryEmbedding(x);
      const tail = rotaryEmbedding(slice(x, [0, 2, 0, 0], [2, 3, 3, 8]), {offset: 2});
      expect([...tail.dataSync()]).to.deep.equal([...slice(whole, [0, 2, 0, 0], [2, 3, 3, 8]).dataSync()]);
      const scattered = rotaryEmbeddingWithTable(slice(x, [0, 4, 0, 0], [2, 1, 3, 8]), rotaryTable([4], 8));
      expect([...scattered.dataSync()]).to.deep.equal([
        ...slice(whole, [0, 4, 0, 0], [2, 1, 3, 8]).dataSync(),
      ]);
    });

    it('leaves one tensor, its result', () => {
      const x = randomNormal<Rank.R4>([1, 2, 1, 4]);
      const before = memory().numTensors;
      rotaryEmbedding(x);
      expect(memory().numTensors).to.equal(before + 1);
    });

    it('refuses odd widths, tables of another length, positions that are none', () => {
      const x = tensor4d([1, 2, 3], [1, 1, 1, 3]);
      expect(() => rotaryEmbedding(x)).to.throw(
        ArgumentError,
        "rotaryEmbedding: x's last axis, Dh, must be even, got 3",
      );
      expect(() => rotaryTable([0.5], 4)).to.throw(
        ArgumentError,
        'rotaryTable: positions[0] must be an integer',
      );
      const even = tensor4d([1, 2], [1, 1, 1, 2]);
      expect(() => rotaryEmbeddingWithTable(even, tensor2d([1, 0, 1, 0], [2, 2]))).to.throw(
        ArgumentError,
        'rotaryEmbedding: cosSin must be [L, Dh] = [1, 2] (L, Dh from x), got [2, 2]',
      );
    });
  });
}
