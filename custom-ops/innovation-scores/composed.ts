// The innovation from tf operations: shifted copies weighted by columns of constants.

import {concat, mul, slice, sqrt, square, sub, sum, tensor, zeros} from '@tensorflow/tfjs-core';
import type {Dims, NamedTensors} from '../op.js';
import type {InnovationScoresAttributes} from './attributes.js';
import {predictorWeights} from './reference.js';

export function composed(
  {y}: NamedTensors,
  {span}: InnovationScoresAttributes,
  {B, L, D}: Dims,
): NamedTensors {
  let error = y;
  for (let i = 0; i < Math.min(span, L - 1); i++) {
    const column = Float32Array.from({length: L}, (_, t) => predictorWeights(Math.min(t, span))[i] ?? 0);
    const shifted = concat([zeros([B, i + 1, D]), slice(y, [0, 0, 0], [B, L - i - 1, D])], 1);
    error = sub(error, mul(shifted, tensor(column, [1, L, 1])));
  }
  return {scores: sqrt(sum(square(error), 2))};
}
