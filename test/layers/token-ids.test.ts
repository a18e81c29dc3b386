// Ids and labels that are no whole numbers in range: never those of another token.

import type {Rank, Tensor} from '@tensorflow/tfjs-core';
import {ones, tensor1d, tensor2d, tidy, zeros} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {ArgumentError, crossEntropy, embeddingLookup} from '../../custom-ops/index.js';
import {withComposedOps} from '../../custom-ops/run.js';
import {sparseCrossEntropyFromLogits, TokenEmbedding, tokenAccuracy} from '../../layers/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';

const NONE = [1.5, Number.NaN, Number.POSITIVE_INFINITY, -0.5, 7, -1];

for (const backend of readableBackends) {
  describe(`ids on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });

    it('that are floats are whole and in range, or refused by name', () => {
      tidy(() => {
        const embedding = new TokenEmbedding({vocabSize: 7, dim: 2});
        const rows = (ids: Tensor): number[] => [...(embedding.apply(ids) as Tensor).dataSync()];
        expect(rows(tensor2d([0, 6], [1, 2], 'float32'))).to.deep.equal(
          rows(tensor2d([0, 6], [1, 2], 'int32')),
        );
        for (const bad of NONE) {
          const refused = expect(() => embedding.apply(tensor2d([0, bad], [1, 2], 'float32')), String(bad));
          refused.to
            .throw(ArgumentError, 'ids must be')
            .and.have.property('message')
            .that.includes('flat index 1');
          const labels = tensor2d([0, bad === 7 ? 9 : bad], [1, 2], 'float32');
          const logits = ones<Rank.R3>([1, 2, 7]);
          expect(() => sparseCrossEntropyFromLogits(labels, logits), String(bad)).to.throw(
            ArgumentError,
            'labels must be',
          );
        }
        const accuracy = (): Tensor => tokenAccuracy(tensor2d([0.5], [1, 1]), ones([1, 1, 7]));
        if (backend === 'tensorflow') expect(accuracy().dataSync()[0]).to.equal(0);
        else expect(accuracy).to.throw(ArgumentError, 'whole numbers');
      });
    });

    it('out of range are NaN where operators run composed', () => {
      tidy(() => {
        const rows = withComposedOps(() =>
          embeddingLookup(ones([3, 2]), tensor2d([2, 3, -1], [1, 3], 'int32')),
        );
        expect([...rows.dataSync()]).to.deep.equal([1, 1, NaN, NaN, NaN, NaN]);
        const labels = tensor1d([2, 3, -100], 'int32');
        const losses = withComposedOps(() => crossEntropy(zeros([3, 3]), labels, {reduction: 'none'}));
        const [first, second, third] = losses.dataSync();
        expect(first).to.be.closeTo(Math.log(3), 1e-6);
        expect([second, third]).to.deep.equal([NaN, 0]);
      });
    });
  });
}
