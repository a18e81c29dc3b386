import type {Tensor3D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {swigluOp} from './definition.js';

/**
 * SiLU(gate) * up, the gated unit between the two products of a SwiGLU block.
 *
 * Shapes: gate, up [B, L, E]; returns [B, L, E]. Differentiable in both.
 * Errors: ArgumentError on a wrong rank, size or dtype. Source: arXiv 2002.05202.
 */
export function swiglu(gate: Tensor3D, up: Tensor3D): Tensor3D {
  return runOp(swigluOp, {gate, up}, {}).y as Tensor3D;
}
