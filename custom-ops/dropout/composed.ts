// tf has no operations on bits that all its backends have, so the mask is made on the host, from the seed's values.

import {mul, tensor} from '@tensorflow/tfjs-core';
import type {Dims, NamedTensors} from '../op.js';
import type {DropoutAttributes} from './attributes.js';
import {dropThreshold, elementHash, keepScale} from './hash.js';

/** Errors: Error on WebGPU in Node, where values cannot be read at once. */
export function composed(
  {x, seed}: NamedTensors,
  {rate, stream}: DropoutAttributes,
  {B, L, D}: Dims,
): NamedTensors {
  const hash = elementHash(seed.dataSync<'int32'>(), stream);
  const threshold = dropThreshold(rate);
  const scale = keepScale(rate);
  const mask = Float32Array.from({length: B * L * D}, (_, i) => (hash(i) < threshold ? 0 : scale));
  return {y: mul(x, tensor(mask, [B, L, D]))};
}
