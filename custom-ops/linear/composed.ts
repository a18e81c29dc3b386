import {add, matMul, reshape} from '@tensorflow/tfjs-core';
import type {Dims, NamedTensors} from '../op.js';
import type {LinearAttributes} from './attributes.js';

/** Flattened to two dimensions: tf's product of [B, L, D] by [D, E] has no gradient. */
export function composedWith(
  transposeWeight: boolean,
): (inputs: NamedTensors, attrs: LinearAttributes, dims: Dims) => NamedTensors {
  return ({x, weight, bias}, _attrs, {B, L, D, E}) => {
    const product = matMul(reshape(x, [B * L, D]), weight, false, transposeWeight);
    return {y: reshape(bias === undefined ? product : add(product, bias), [B, L, E])};
  };
}
