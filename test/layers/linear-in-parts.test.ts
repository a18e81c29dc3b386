// A projection in parts is the projection, cut where that costs least.

import type {Rank, Tensor, Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {grads, mul, profile, randomNormal, sin, split, sum, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {linear, useBackend} from '../../custom-ops/index.js';
import {relativeError} from '../../custom-ops/parity.js';
import {linearInParts} from '../../layers/linear-in-parts.js';

const widths = [5, 9, 2];

describe('a projection in parts', () => {
  before(() => useBackend('cpu'));

  for (const [words, length] of [
    ['of more tokens than the width', 20],
    ['of fewer', 3],
  ] as const) {
    it(`has the values and gradients of the whole, ${words}`, async () => {
      const x = randomNormal<Rank.R3>([2, length, 8], 0, 1, 'float32', 1);
      const weight = randomNormal<Rank.R2>([8, 16], 0, 1, 'float32', 2);
      const bias = randomNormal<Rank.R1>([16], 0, 1, 'float32', 3);
      const total = (parts: Tensor[]): Tensor =>
        parts.map((part, i) => sum(mul(sin(part), i + 1))).reduce((all, one) => all.add(one));
      const inParts = (...[a, b, c]: Tensor[]): Tensor =>
        total(linearInParts(a as Tensor3D, b as Tensor2D, c as Tensor1D, widths, 'float32'));
      const whole = (...[a, b, c]: Tensor[]): Tensor =>
        total(split(linear(a as Tensor3D, b as Tensor2D, c as Tensor1D), widths, 2));
      const inputs = [x, weight, bias];
      let gradients: Tensor[] = [];
      const {kernels} = await profile(() => {
        gradients = tidy(() => grads(inParts)(inputs));
        return gradients;
      });
      const expected = tidy(() => grads(whole)(inputs));
      for (const [i, gradient] of gradients.entries())
        expect(relativeError(gradient.dataSync(), expected[i].dataSync()), `gradient ${i}`).to.be.below(1e-5);
      const names = kernels.map(({name}) => name);
      expect(names, 'gradients are joined, not padded and added').to.not.include('PadV2');
      expect(names.filter(name => name === 'Concat').length).to.equal(length === 3 ? 1 : 2);
      for (const one of [...inputs, ...gradients, ...expected]) one.dispose();
    });
  }
});
