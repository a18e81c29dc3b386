import {add, matMul, reshape} from '@tensorflow/tfjs-core';
import type {Attributes, Dims, NamedTensors} from '../op.js';

/** Flattened to two dimensions: tf's product of [B, L, D] by [D, E] has no gradient. */
export function composedWith(
  transposeWeight: boolean,
): (inputs: NamedTensors, attrs: Attributes, dims: Dims) => NamedTensors {
  return ({x, weight, bias}, _attrs, {B, L, D, E}) => {
    const product = matMul(reshape(x, [B * L, D]), weight, false, transposeWeight);
    return {y: reshape(bias === undefined ? product : add(product, bias), [B, L, E])};
  };
}
