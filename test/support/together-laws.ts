// The laws of calls made together, on any backend: values against the float64 reference of each call, bits of the same calls
// one by one, and no tensor left behind.

import type {Tensor} from '@tensorflow/tfjs-core';
import {addN, memory, scalar, tensor1d, tidy, variable} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {AdamWState} from '../../custom-ops/index.js';
import {adamW, sumOfSquares} from '../../custom-ops/index.js';
import {ops} from '../../custom-ops/op-list.js';
import {casesOf} from '../../custom-ops/parity.js';
import {deviationsTogether} from '../../custom-ops/parity-together.js';
import {seededRandom} from '../../custom-ops/sampling.js';

/** More tensors than any device has bindings for, in sizes that share dispatches, none, or several workgroups. */
const COUNTS = [
  5, 1, 300, 9000, 1, 64, 256, 257, 20_000, 5, 5, 4096, 4097, 77, 1, 2, 3, 5, 8, 13, 21, 34, 55, 89,
];
const SMALL = COUNTS.filter(count => count <= 4096);

function values(count: number, seed: number): Float32Array {
  const {normal} = seededRandom(seed);
  return Float32Array.from({length: count}, normal);
}

const options = {learningRate: 0.05, weightDecay: 0.1, step: 7};

/** A parameter of so many numbers with its gradient and moments. */
export function adamWState(
  count: number,
  seed: number,
  gradientScale?: AdamWState['gradientScale'],
): AdamWState {
  const made = (of: number): Float32Array => values(count, 10 * seed + of);
  return tidy(() => ({
    parameter: variable(tensor1d(made(0))),
    gradient: tensor1d(made(1)),
    firstMoment: variable(tensor1d(made(2))),
    secondMoment: variable(tensor1d(made(3).map(Math.abs))),
    gradientScale,
  }));
}

async function takeAll(states: readonly AdamWState[]): Promise<number[][]> {
  const found: number[][] = [];
  for (const {parameter, gradient, firstMoment, secondMoment} of states) {
    for (const one of [parameter, firstMoment, secondMoment]) {
      found.push([...(await one.data<'float32'>())]);
      one.dispose();
    }
    gradient.dispose();
  }
  return found;
}

/** One test for each law, on the current backend. */
export function togetherTests(): void {
  for (const op of [ops.adamW, ops.sumOfSquares]) {
    // Sizes are ours: of the cases those that differ in more are left.
    const known = new Set<string>();
    for (const opCase of casesOf(op, 'test')) {
      const rest = JSON.stringify([opCase.attrs, opCase.omit]);
      if (known.has(rest)) continue;
      known.add(rest);
      it(`${op.name} ${opCase.name}, in many sizes, as the references`, async () => {
        const before = memory().numTensors;
        const found = await deviationsTogether(
          op,
          opCase,
          COUNTS.map(count => ({'*': count})),
        );
        expect(found).to.have.length(op === ops.adamW ? 3 * COUNTS.length : 1);
        for (const {quantity, error, isWithin} of found)
          expect(isWithin, `${quantity}: RMS-relative error ${error}`).to.equal(true);
        expect(memory().numTensors, 'tensors left behind').to.equal(before);
      });
    }
  }

  for (const [what, counts] of Object.entries({'in many sizes': COUNTS, 'small ones': SMALL, one: [9000]})) {
    it(`sums of squares, ${what}, have the bits of one by one`, async () => {
      // Of several magnitudes, so that every other order rounds to another sum.
      const tensors = counts.map((count, i) => tensor1d(values(count, i).map(value => value * 3 ** (i % 7))));
      const [one, other] = tidy(() => [
        sumOfSquares(tensors),
        addN<Tensor>(tensors.map(tensor => sumOfSquares(tensor))),
      ]);
      expect([...(await one.data())]).to.deep.equal([...(await other.data())]);
      for (const tensor of [one, other, ...tensors]) tensor.dispose();
    });
  }

  for (const factor of [undefined, 0.25, Number.NaN]) {
    it(`steps with the scale ${factor} have the bits of one by one`, async () => {
      const scale = factor === undefined ? undefined : scalar(factor);
      const [one, other, untouched] = [0, 1, 2].map(() =>
        COUNTS.map((count, i) => adamWState(count, i, scale)),
      );
      adamW(one, options);
      for (const state of other) adamW(state, options);
      const found = await takeAll(one);
      expect(found).to.deep.equal(await takeAll(other));
      const start = await takeAll(untouched);
      found.forEach((array, i) => {
        expect(array.every((value, at) => value === start[i][at])).to.equal(Number.isNaN(factor));
      });
      scale?.dispose();
    });
  }
}
