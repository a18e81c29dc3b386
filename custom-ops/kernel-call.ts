// How a registered kernel of ours is called through tfjs, which knows lists of tensors and attributes alone.

import type {NamedAttrMap, NamedTensorMap, Tensor} from '@tensorflow/tfjs-core';
import {engine} from '@tensorflow/tfjs-core';
import type {Attributes, Dims} from './op.js';

/**
 * What our kernels are called with as tfjs's attributes: the names of the inputs that are present, since tfjs passes those
 * as a list, those of the results that the caller leaves, and the op's own attributes and sizes, so that no kernel works
 * them out again.
 */
export interface KernelAttributes extends Record<string, Attributes | Dims | string[]> {
  present: string[];
  left: string[];
  attrs: Attributes;
  dims: Dims;
}

/** Runs a registered kernel of ours; `call.present` says which inputs the list `tensors` holds. */
export function runNamedKernel(kernel: string, tensors: Tensor[], call: KernelAttributes): Tensor[] {
  // tfjs passes lists of inputs this way too (Concat, AddN); its types know only maps.
  const inputs = tensors as unknown as NamedTensorMap;
  const outputs: Tensor | Tensor[] = engine().runKernel(kernel, inputs, call as NamedAttrMap);
  return Array.isArray(outputs) ? outputs : [outputs];
}
