// What crossEntropy's public form adds to its kernel: the mean over labelled rows, refusals, extreme logits.

import type {Tensor2D} from '@tensorflow/tfjs-core';
import {tensor1d, tensor2d, valueAndGrad} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {ArgumentError, crossEntropy} from '../../custom-ops/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';

for (const backend of readableBackends) {
  describe(`crossEntropy on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });

    const meanAndGradient = (logits: number[][], labels: number[]) => {
      const loss = (z: Tensor2D) => crossEntropy(z, tensor1d(labels, 'int32'));
      const {value, grad} = valueAndGrad(loss)(tensor2d(logits));
      return {loss: value.dataSync()[0], gradient: [...grad.dataSync()]};
    };

    it('takes the mean over labelled rows only', () => {
      const {loss, gradient} = meanAndGradient(
        [
          [0, 0],
          [5, 1],
          [Math.log(3), 0],
        ],
        [1, -100, 1],
      );
      expect(loss).to.be.closeTo((Math.log(2) + Math.log(4)) / 2, 1e-6);
      const expected = [0.25, -0.25, 0, 0, 0.375, -0.375];
      expected.forEach((value, i) => {
        expect(gradient[i]).to.be.closeTo(value, 1e-6);
      });
    });

    it('gives 0 and a gradient of 0 when every row is ignored', () => {
      const {loss, gradient} = meanAndGradient([[1, 2, 3]], [-100]);
      expect(loss).to.equal(0);
      expect(gradient.map(Math.abs)).to.deep.equal([0, 0, 0]);
    });

    it('stays finite and exact for extreme logits', () => {
      const {loss, gradient} = meanAndGradient([[1e4, -1e4, 0]], [1]);
      expect(loss).to.equal(2e4);
      expect(gradient.map(Math.abs)).to.deep.equal([1, 1, 0]);
    });

    it('returns one loss a row without reduction', () => {
      const losses = crossEntropy(tensor2d([0, 0, 0, 0], [2, 2]), tensor1d([0, 1], 'int32'), {
        reduction: 'none',
      });
      expect(losses.shape).to.deep.equal([2]);
      for (const loss of losses.dataSync()) expect(loss).to.be.closeTo(Math.log(2), 1e-6);
    });

    it('refuses a label out of range', () => {
      expect(() => crossEntropy(tensor2d([[0, 0]]), tensor1d([2], 'int32'))).to.throw(
        ArgumentError,
        'crossEntropy: labels must be integers in [0, 1] or -100, got 2 at flat index 0',
      );
    });
  });
}
