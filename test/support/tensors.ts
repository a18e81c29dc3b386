// Seeded tensors for tests.

import type {Tensor3D} from '@tensorflow/tfjs-core';
import {tensor} from '@tensorflow/tfjs-core';
import {seededRandom} from '../../custom-ops/sampling.js';

/** Standard normal [B, L, D]. */
export function normal3d(shape: [number, number, number], seed: number): Tensor3D {
  const random = seededRandom(seed);
  const length = shape[0] * shape[1] * shape[2];
  return tensor(
    Float32Array.from({length}, () => random.normal()),
    shape,
  );
}
