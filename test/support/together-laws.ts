// The laws of calls made together, on any backend: values against the float64 reference of each call, bits of the same calls
// one by one, and no tensor left behind.

import type {Tensor} from '@tensorflow/tfjs-core';
import {addN, memory, scalar, tensor1d, tidy, variable} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {AdamWState, StepRunner} from '../../custom-ops/index.js';
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

/** A step with two calls of one op, one of them on four parameters: replays take the numbers of each run, a set for each call. */
export async function expectReplayedTogether(runner: StepRunner): Promise<void> {
  const counts = [3, 1, 5, 3, 2];
  const states = counts.map(count => ({
    parameter: variable(tensor1d(new Float32Array(count).fill(2))),
    firstMoment: variable(tensor1d(new Float32Array(count))),
    secondMoment: variable(tensor1d(new Float32Array(count))),
  }));
  const plain = {beta1: 0, beta2: 0, epsilon: 1e-12, weightDecay: 0};
  let by = 2;
  for (let step = 1; step <= 6; step++) {
    const moving = {...plain, learningRate: 0.1 * step, step};
    const still = {...plain, learningRate: 0, step};
    const [norm] = runner.run({
      inputs: counts.map(count => ({values: new Float32Array(count).fill(step), shape: [count]})),
      varying: {adamW: [moving, still]},
      body: gradients => {
        const given = states.map((state, i) => ({...state, gradient: gradients[i]}));
        adamW(given.slice(0, 4), moving);
        adamW(given.slice(4), still);
        return [sumOfSquares(gradients)];
      },
    });
    by -= 0.1 * step; // without means, each step is the rate times the sign of the gradient
    expect((await norm.data())[0]).to.equal(14 * step * step);
    for (const [i, {parameter}] of states.entries())
      for (const value of await parameter.data()) expect(value).to.be.closeTo(i < 4 ? by : 2, 1e-5);
    norm.dispose();
  }
  expect(runner.replays).to.equal(3);
  for (const state of states) for (const one of Object.values(state)) one.dispose();
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
