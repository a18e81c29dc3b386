// Values written in place are seen by tf's own operations too: on wasm they cache packed weights by tensor.

import {matMul, tensor, tensor2d, tidy, variable, zeros} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {adamW} from '../../custom-ops/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {expectClose} from '../support/error.js';

for (const backend of readableBackends) {
  describe(`in-place updates on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });

    it('reach a matMul that used the variable before', () => {
      const x = tensor2d([[1, 2, 3]]);
      const make = (values: number[][]) => tidy(() => variable(tensor2d(values)));
      const parameter = make([
        [1, 2],
        [3, 4],
        [5, 6],
      ]);
      const [firstMoment, secondMoment] = [0, 1].map(() => tidy(() => variable(zeros([3, 2]))));
      const product = (): number[] => tidy(() => [...matMul(x, parameter as typeof x).dataSync()]);
      expect(product()).to.deep.equal([22, 28]);
      const gradient = tensor([1, 1, 1, -1, -1, -1], [3, 2]);
      adamW({parameter, gradient, firstMoment, secondMoment}, {learningRate: 0.5, step: 1});
      expectClose(parameter.dataSync(), [0.5, 1.5, 2.5, 4.5, 5.5, 6.5], 1e-6, 'parameter');
      expectClose(product(), [22, 30], 1e-6, 'product after the update');
      for (const one of [x, gradient, parameter, firstMoment, secondMoment]) one.dispose();
    });
  });
}
