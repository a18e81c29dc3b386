// Tensors without elements, and numbers that are none: the same answer on every backend.

import type {Rank, Tensor} from '@tensorflow/tfjs-core';
import {ones, tensor1d, tensor2d, tensor4d, tidy, zeros} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {
  ArgumentError,
  causalConv1d,
  crossEntropy,
  exactSearch,
  retrievedAttention,
  selectiveScan,
} from '../../custom-ops/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {checkNamedNaN, checkUnnamedRows} from '../support/empty-places.js';
import {checkFaintSlopes, scanNames} from '../support/faint-slopes.js';
import {checkLargeLogits, checkLargeRetrieved, checkLargeScores} from '../support/large-scores.js';

const values = (tensor: Tensor): number[] => Array.from(tensor.dataSync());

for (const backend of readableBackends) {
  describe(`edge values on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });
    it('tensors without elements are refused, by name, before any kernel sees them', () => {
      tidy(() => {
        const none = zeros<Rank.R3>([1, 0, 2]);
        expect(() => causalConv1d({x: none, weight: ones([4, 2])})).to.throw(
          ArgumentError,
          'causalConv1d: x must be of sizes in [1, 2^31 - 1], got [1, 0, 2]',
        );
        const inputs = {u: none, delta: none, A: ones<Rank.R2>([2, 3]), B: none, C: none};
        expect(() => selectiveScan(inputs)).to.throw(ArgumentError, 'u must be of sizes in [1, 2^31 - 1]');
        expect(() => crossEntropy(zeros([0, 3]), tensor1d([], 'int32'))).to.throw(
          ArgumentError,
          'of sizes in',
        );
      });
    });

    for (const name of scanNames)
      it(`the gradient of ${name} reaches step sizes whose slope is below the least float`, () =>
        checkFaintSlopes(name, 21, 10));

    it('no weight of a softmax over scores of 1e9 is above 1 in the gradients', async () => {
      await checkLargeScores();
      await checkLargeRetrieved();
      await checkLargeLogits();
    });

    it('a row whose product is NaN is never found, and a query that is NaN finds none', () => {
      tidy(() => {
        const k = tensor4d([1, Number.NaN, 3, 2, Number.NaN, 3, 0, 1, 2], [1, 9, 1, 1]);
        const found = (query: number): number[] =>
          values(exactSearch({q: tensor4d([query], [1, 1, 1, 1]), k}, {count: 8}).rows);
        expect(found(1)).to.deep.equal([2, 5, 3, 8, 0, 7, 6, -1]);
        expect(found(Number.NaN)).to.deep.equal(Array(8).fill(-1));
        // As lanes of a block of queries too.
        const many = exactSearch({q: ones([1, 16, 1, 1]), k}, {count: 2}).rows;
        expect(values(many)).to.deep.equal(Array(16).fill([2, 5]).flat());
      });
    });

    it('a query that names no row gets zeros, and others none of its', () => {
      tidy(() => {
        const rows = tensor4d([-1, -1, 0, -1], [1, 2, 1, 2], 'int32');
        const one = ones<Rank.R4>([1, 2, 1, 1]);
        const {out, logSumExp} = retrievedAttention({q: one, k: one, v: one, rows});
        expect(values(out)).to.deep.equal([0, 1]);
        expect(values(logSumExp)).to.deep.equal([-10_000, 1]);
      });
    });

    for (const width of [5, 32]) {
      for (const form of ['kernel', 'composed'] as const)
        it(`a row of ${width} that no query names may hold NaN, ${form}`, () =>
          checkUnnamedRows(width, form));
      it(`a row of ${width} that is NaN reaches no empty place`, () => checkNamedNaN(width));
    }

    it('a logit that is NaN makes its loss NaN', () => {
      tidy(() => {
        const loss = (third: number): number =>
          values(crossEntropy(tensor2d([[1, 2, third, 0, 1, 1, 1, 1, 1]]), tensor1d([0], 'int32')))[0];
        expect(loss(Number.NaN)).to.be.NaN;
        expect(loss(3)).to.be.closeTo(2.8019, 1e-3);
      });
    });
  });
}
