// Step sizes so small that the slope of softplus is below the least float: its product with a large cotangent is not.

import type {Rank, Tensor} from '@tensorflow/tfjs-core';
import {grad, mul, neg, ones, reshape, sum, tensor, tidy, zeros} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {selectiveScan} from '../../custom-ops/index.js';

const RAW = [-20, -80, -87.3, -87.4, -88, -90, -95, -104, -110, -120];
const COTANGENT = 1e25;

/**
 * Checks that the gradient of delta, [1, tokens, channels], is that of the step size, taken without softplus where all steps
 * are 0, times the logistic function.
 */
export async function checkFaintSlopes(tokens: number, channels: number): Promise<void> {
  const shape: [number, number, number] = [1, tokens, channels];
  const raw = Array.from({length: tokens * channels}, (_, i) => RAW[i % RAW.length] - (i % 7) / 8);
  const gradient = (delta: Tensor, deltaSoftplus: boolean): Tensor =>
    grad(x => {
      const states = ones<Rank.R3>([1, tokens, 4]);
      const inputs = {u: ones<Rank.R3>(shape), A: neg(ones<Rank.R2>([channels, 4])), B: states, C: states};
      return mul(sum(selectiveScan({...inputs, delta: reshape(x, shape)}, {deltaSoftplus}).y), COTANGENT);
    })(delta);
  const [ofRaw, ofSteps] = tidy(() => [gradient(tensor(raw, shape), true), gradient(zeros(shape), false)]);
  const [found, unscaled] = [await ofRaw.data(), await ofSteps.data()];
  for (const one of [ofRaw, ofSteps]) one.dispose();
  raw.forEach((x, i) => {
    const expected = unscaled[i] / (1 + Math.exp(-x));
    expect(found[i] / expected, `softplus of ${x}, token ${Math.floor(i / channels)}`).to.be.closeTo(1, 1e-4);
  });
}
