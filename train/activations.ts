// In what training keeps activations for the gradient.

import type {Tensor, Tensor1D} from '@tensorflow/tfjs-core';
import {reshape} from '@tensorflow/tfjs-core';
import {hasKernel, narrow, widen} from '../custom-ops/index.js';
import type {Packing} from '../custom-ops/saved-tensors.js';
import type {ActivationFormat} from './activation-formats.js';

function packingIn(format: Exclude<ActivationFormat, 'float32'>): Packing {
  return {
    pack: x => narrow(x, {format}),
    unpack: (kept, shape): Tensor => {
      const count = shape.reduce((product, size) => product * size, 1);
      const flat = widen(kept as Tensor1D, {format, count});
      const whole = reshape(flat, [...shape]);
      flat.dispose();
      return whole;
    },
  };
}

const packings = {float32: undefined, float16: packingIn('float16'), bfloat16: packingIn('bfloat16')};

/** How activations are packed on the current backend; undefined where they are kept as they are, as without a kernel that packs. */
export function packingOf(format: ActivationFormat): Packing | undefined {
  return hasKernel({name: 'narrow'}) ? packings[format] : undefined;
}
