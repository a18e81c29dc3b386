// What the SSM adds to the attention's output, beside what reaches it through the keys and values of fading tokens.

import type {Tensor1D, Tensor3D} from '@tensorflow/tfjs-core';
import {add, mul, tanh} from '@tensorflow/tfjs-core';
import type {FadingMemorySizes, FadingRun} from './fading-memory.js';
import {multiply} from './half-matrix.js';
import {constant, streamSeed, symmetric} from './initializers.js';
import type {MixerSettings} from './mixer-schema.js';
import type {LayerWeights, WeightSpec} from './weights.js';
import {asMatrix} from './weights.js';

const GATE = 'output_gate';
/** Its name makes it one of the SSM's weights, which may learn at a rate of their own. */
const PROJECTION = 'ssm.direct_proj';

/** Gates start at 0, so that the layer starts as one without them; the projection starts uniform within E^-1/2. */
export function ssmOutputWeights(
  {ssmOutput, seed}: MixerSettings,
  {width, inner}: FadingMemorySizes,
): WeightSpec[] {
  if (ssmOutput === 'gated') return [{name: GATE, shape: [width], initializer: constant(0)}];
  if (ssmOutput !== 'projected') return [];
  const initializer = symmetric(inner ** -0.5, streamSeed(seed, 'direct_proj'));
  return [asMatrix({name: PROJECTION, shape: [inner, width], initializer})];
}

/** The layer's output [B, L, D] from the attention's [B, L, D]; `weights` are the built weights of `ssmOutputWeights`. */
export function withSsmOutput(
  {ssmOutput, precision}: MixerSettings,
  attended: Tensor3D,
  {y, scanned}: FadingRun,
  weights: LayerWeights,
): Tensor3D {
  switch (ssmOutput) {
    case 'none':
      return attended;
    case 'add':
      return add(attended, y);
    case 'gated':
      return add(attended, mul(y, tanh(weights.read<Tensor1D>(GATE))));
    case 'projected':
      return add(attended, multiply(scanned, weights.matrix(PROJECTION), undefined, {precision}));
    default:
      return ssmOutput satisfies never;
  }
}
