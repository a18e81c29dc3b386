// Step sizes so small that the slope of softplus is below the least float: its product with a large cotangent is not.

import type {Rank, Tensor} from '@tensorflow/tfjs-core';
import {fill, grad, mul, neg, ones, reshape, sum, tensor, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {selectiveScan, ssdScan} from '../../custom-ops/index.js';

const RAW = [-30, -80, -87.3, -87.4, -88, -90, -95, -104, -110, -120];
/** A step so small that it changes no sum, and whose slope is no special float. */
const PLAIN = -40;
const COTANGENT = 1e25;

/** Outputs of a scan of ones under steps of softplus(delta), delta [1, tokens, channels]. */
const scans = {
  selectiveScan: (delta: Tensor, tokens: number, channels: number): Tensor => {
    const own = reshape<Rank.R3>(delta, [1, tokens, channels]);
    const states = ones<Rank.R3>([1, tokens, 4]);
    const A = neg(ones<Rank.R2>([channels, 4]));
    return selectiveScan(
      {u: ones<Rank.R3>([1, tokens, channels]), delta: own, A, B: states, C: states},
      {deltaSoftplus: true},
    ).y;
  },
  ssdScan: (delta: Tensor, tokens: number, channels: number): Tensor => {
    const own = reshape<Rank.R3>(delta, [1, tokens, channels]);
    const states = ones<Rank.R4>([1, tokens, 1, 4]);
    const A = neg(ones<Rank.R1>([channels]));
    return ssdScan({x: ones<Rank.R4>([1, tokens, channels, 4]), delta: own, A, B: states, C: states}).y;
  },
};

export const scanNames = ['selectiveScan', 'ssdScan'] as const;

/** Checks that the gradient of delta follows the logistic function, from where no float is too small to where all are. */
export async function checkFaintSlopes(
  name: (typeof scanNames)[number],
  tokens: number,
  channels: number,
): Promise<void> {
  const shape = [1, tokens, channels];
  const raw = Array.from({length: tokens * channels}, (_, i) => RAW[i % RAW.length] - (i % 7) / 8);
  const gradient = grad(delta => mul(sum(scans[name](delta, tokens, channels)), COTANGENT));
  const [ofRaw, ofPlain] = tidy(() => [gradient(tensor(raw, shape)), gradient(fill(shape, PLAIN))]);
  const [found, plain] = [await ofRaw.data(), await ofPlain.data()];
  for (const one of [ofRaw, ofPlain]) one.dispose();
  raw.forEach((x, i) => {
    const expected = (plain[i] * (1 + Math.exp(-PLAIN))) / (1 + Math.exp(-x));
    expect(found[i] / expected, `softplus of ${x}, token ${Math.floor(i / channels)}`).to.be.closeTo(1, 1e-4);
  });
}
