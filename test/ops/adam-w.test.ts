// What the general laws cannot see of an in-place op: any shape, a run of steps, memory kept, refusals.

import type {Rank, Tensor, Variable} from '@tensorflow/tfjs-core';
import {memory, profile, scalar, tensor, tidy, variable, zeros} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {ArgumentError, adamW} from '../../custom-ops/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {expectClose} from '../support/error.js';

const options = {learningRate: 0.1, weightDecay: 0.5, epsilon: 0};

function state(
  values: number[],
  shape: number[],
): {parameter: Variable; firstMoment: Variable; secondMoment: Variable} {
  return tidy(() => ({
    parameter: variable(tensor(values, shape)),
    firstMoment: variable(zeros<Rank>(shape)),
    secondMoment: variable(zeros<Rank>(shape)),
  }));
}

for (const backend of readableBackends) {
  describe(`adamW on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });

    it('moves by the rate against the sign of the first gradient, after decay', () => {
      const s = state([1, -2], [2]);
      adamW({...s, gradient: tensor([30, -0.2])}, {...options, step: 1});
      const [first, second] = s.parameter.dataSync();
      expect(first).to.be.closeTo(0.95 - 0.1, 1e-6);
      expect(second).to.be.closeTo(-1.9 + 0.1, 1e-6);
    });

    for (const shape of [[], [6], [2, 3], [1, 2, 1, 3]]) {
      it(`takes shape [${shape.join(', ')}] and keeps it`, async () => {
        const count = shape.reduce((product, size) => product * size, 1);
        const s = state(Array(count).fill(1), shape);
        const {kernelNames} = await profile(() => {
          adamW({...s, gradient: tensor(Array(count).fill(2), shape)}, {...options, step: 1});
          return s.parameter as Tensor;
        });
        expect(kernelNames).to.deep.equal(['BMojoAdamW']);
        expect(s.parameter.shape).to.deep.equal(shape);
        for (const value of s.parameter.dataSync()) expect(value).to.be.closeTo(0.85, 1e-6);
      });
    }

    it('applies the scale to the gradient before the moments', () => {
      const s = state([0], [1]);
      adamW({...s, gradient: tensor([4]), gradientScale: scalar(0.25)}, {...options, step: 1});
      expect(s.firstMoment.dataSync()[0]).to.be.closeTo(0.1, 1e-6);
      expect(s.secondMoment.dataSync()[0]).to.be.closeTo(0.001, 1e-7);
    });

    for (const gradient of [3, Number.NaN, Number.POSITIVE_INFINITY]) {
      it(`changes nothing where the scale is NaN, whatever the gradient is: ${gradient}`, () => {
        const values = Array.from({length: 37}, (_, i) => i - 5);
        const s = state(values, [37]);
        const step = {gradient: tensor(Array(37).fill(gradient)), gradientScale: scalar(Number.NaN)};
        adamW({...s, ...step}, {...options, step: 1});
        expect([...s.parameter.dataSync()]).to.deep.equal(values);
        for (const moment of [s.firstMoment, s.secondMoment])
          expect([...moment.dataSync()]).to.deep.equal(Array(37).fill(0));
      });
    }

    for (const [beta1, beta2] of [
      [0.9, 0.999],
      [0.5, 0.95],
      [0, 0],
    ]) {
      it(`goes on after skipped steps as if they had not been, with the decays ${beta1} and ${beta2}`, () => {
        const values = [3, -2, 1, 0.5, -0.1];
        const [one, other] = [state(values, [5]), state(values, [5])];
        const gradient = tensor([1, -2, 3, 0.01, 100]);
        const own = {learningRate: 0.1, beta1, beta2, epsilon: 1e-8, weightDecay: 0.01};
        let skipped = 0;
        for (let step = 1; step <= 12; step++) {
          const isSkipped = step % 3 !== 0;
          const gradientScale = scalar(isSkipped ? Number.NaN : 1);
          adamW({...one, gradient, gradientScale, skipped: scalar(skipped)}, {...own, step});
          if (isSkipped) skipped++;
          else adamW({...other, gradient}, {...own, step: step - skipped});
        }
        expect(skipped).to.equal(8);
        expectClose(one.parameter.dataSync(), [...other.parameter.dataSync()], 2e-6, 'parameter');
        expect([...one.firstMoment.dataSync()]).to.deep.equal([...other.firstMoment.dataSync()]);
      });
    }

    it('has the same bits where none was skipped and where none is told of', () => {
      const values = Array.from({length: 37}, (_, i) => i - 5);
      const [one, other] = [state(values, [37]), state(values, [37])];
      const gradient = tensor(values);
      adamW({...one, gradient, skipped: scalar(0)}, {...options, step: 3});
      adamW({...other, gradient}, {...options, step: 3});
      expect([...one.parameter.dataSync()]).to.deep.equal([...other.parameter.dataSync()]);
    });

    it('reaches the minimum of a parabola and creates no tensor', () => {
      const s = state([5, -3], [2]);
      const before = memory().numTensors;
      for (let step = 1; step <= 300; step++) {
        tidy(() => adamW({...s, gradient: s.parameter.mul(2)}, {learningRate: 0.1, step}));
      }
      expect(memory().numTensors).to.equal(before);
      for (const value of s.parameter.dataSync()) expect(Math.abs(value)).to.be.lessThan(1e-2);
    });

    it('refuses what it cannot write, and shapes that differ', () => {
      const s = state([1, 2], [2]);
      const gradient = tensor([1, 2]);
      const step = 1;
      expect(() =>
        adamW({...s, gradient, parameter: tensor([1, 2]) as Variable}, {...options, step}),
      ).to.throw(
        ArgumentError,
        'adamW: parameter must be a tf.Variable, since it is written in place, got a tf.Tensor',
      );
      expect(() => adamW({...s, gradient: tensor([[1, 2]])}, {...options, step})).to.throw(
        ArgumentError,
        'adamW: gradient must be of the shape of parameter, [2], got [1, 2]',
      );
    });
  });
}
