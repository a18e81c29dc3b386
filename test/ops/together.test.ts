// Several tensors in one call, on backends that take them one by one; what is refused, and leaves everything as it was.

import {clone, scalar, tensor1d} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {AdamWState} from '../../custom-ops/index.js';
import {ArgumentError, adamW, sumOfSquares} from '../../custom-ops/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {adamWState, togetherTests} from '../support/together-laws.js';

for (const backend of readableBackends) {
  describe(`calls together on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });
    togetherTests();
  });
}

describe('calls together', () => {
  before(function () {
    return useReadableBackend(this, 'cpu');
  });

  const refused: Record<string, [(first: AdamWState, second: AdamWState) => AdamWState[], string]> = {
    'a variable twice': [
      (first, second) => [first, {...second, firstMoment: first.secondMoment}],
      'adamW: firstMoment must be a variable that is given once, got one of those of call 0 again',
    ],
    'a gradient that is written': [
      (first, second) => [first, {...second, gradient: clone(first.parameter)}],
      'adamW: gradient must be in memory of its own, got in call 1 that of a variable that call 0 writes',
    ],
    'several scales': [
      (first, second) => [first, {...second, gradientScale: scalar(1)}],
      'adamW: gradientScale must be the same tensor for all that is given together, got several',
    ],
    'a wrong shape in the last': [
      (first, second) => [first, {...second, gradient: tensor1d([1])}],
      'adamW: gradient must be of the shape of parameter, [2], got [1]',
    ],
    nothing: [() => [], 'adamW: inputs must be those of at least one call, got []'],
  };
  for (const [what, [given, message]] of Object.entries(refused)) {
    it(`refuse ${what}, and change nothing`, () => {
      const [first, second] = [1, 2].map(seed => adamWState(2, seed));
      const before = [first, second].map(({parameter}) => [...parameter.dataSync()]);
      expect(() => adamW(given(first, second), {learningRate: 0.1, step: 1})).to.throw(
        ArgumentError,
        message,
      );
      expect([first, second].map(({parameter}) => [...parameter.dataSync()])).to.deep.equal(before);
    });
  }

  it('refuse to add up no sums', () => {
    expect(() => sumOfSquares([])).to.throw(ArgumentError, 'sumOfSquares: inputs must be those of at least');
  });
});
