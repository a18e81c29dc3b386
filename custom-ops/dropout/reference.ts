// Inverted dropout with a mask from a hash of (seed, stream, index): the definition.

import type {FloatArray, HostArray, HostCall} from '../op.js';
import type {DropoutAttributes} from './attributes.js';
import {dropThreshold, elementHash, keepScale} from './hash.js';

function drop(x: HostArray, seed: HostArray, y: FloatArray | HostArray, attrs: DropoutAttributes): void {
  const hash = elementHash(seed, attrs.stream);
  const threshold = dropThreshold(attrs.rate);
  const scale = keepScale(attrs.rate);
  for (let i = 0; i < y.length; i++) y[i] = hash(i) < threshold ? 0 : x[i] * scale;
}

export function forward({inputs: {x, seed}, outputs: {y}, attrs}: HostCall<DropoutAttributes>): void {
  drop(x, seed, y, attrs);
}

export function backward({
  inputs: {gradY, seed},
  outputs: {gradX},
  attrs,
}: HostCall<DropoutAttributes>): void {
  drop(gradY, seed, gradX, attrs);
}
