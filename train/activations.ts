// In what training keeps activations for the gradient.

import type {Tensor, Tensor1D} from '@tensorflow/tfjs-core';
import {getBackend, reshape} from '@tensorflow/tfjs-core';
import {hasKernel, narrow, widen} from '../custom-ops/index.js';
import type {Packing} from '../custom-ops/saved-tensors.js';
import type {ActivationFormat} from './activation-formats.js';

function packingIn(format: Exclude<ActivationFormat, 'float32'>): Packing {
  return {
    pack: x => narrow(x, {format}),
    unpack: (kept, shape): Tensor => {
      const count = shape.reduce((product, size) => product * size, 1);
      const flat = widen(kept as Tensor1D, {format, columns: count});
      const whole = reshape(flat, [...shape]);
      flat.dispose();
      return whole;
    },
  };
}

const packings = {float32: undefined, float16: packingIn('float16'), bfloat16: packingIn('bfloat16')};

const told = new Set<string>();

/**
 * How activations are packed on the current backend; undefined where they are kept as they are: in float32, or, which is told
 * once, on a backend without a kernel that packs.
 */
export function packingOf(format: ActivationFormat): Packing | undefined {
  if (format === 'float32' || hasKernel({name: 'narrow'})) return packings[format];
  const name = getBackend();
  if (!told.has(name))
    console.warn(
      `bmojo: activations stay in float32: backend '${name}' has no kernel that packs them as ${format} here`,
    );
  told.add(name);
  return undefined;
}
