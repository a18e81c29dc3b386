import type {Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {selectiveScanOp} from './definition.js';

/** Tensors of {@link selectiveScan}; `D`, `z`, `deltaBias` and `initialState` may be left out. */
export interface SelectiveScanInputs {
  /** Input, [B, L, E]. */
  u: Tensor3D;
  /** Step sizes before bias and softplus, [B, L, E]. */
  delta: Tensor3D;
  /** Decay rates, [E, N], negative for a stable memory. */
  A: Tensor2D;
  /** What each token writes, [B, L, N]. */
  B: Tensor3D;
  /** What each token reads, [B, L, N]. */
  C: Tensor3D;
  /** Skip weight, [E]. */
  D?: Tensor1D;
  /** Gate before its SiLU, [B, L, E]. */
  z?: Tensor3D;
  /** Added to delta, [E]. */
  deltaBias?: Tensor1D;
  /** State before the first token, [B, E, N]; default zeros. */
  initialState?: Tensor3D;
}

/** Options of {@link selectiveScan}, all of which may be left out. */
export interface SelectiveScanOptions {
  /** Pass delta + deltaBias through softplus. Default false. */
  deltaSoftplus?: boolean;
}

/**
 * Selective state-space scan: s[t] = exp(delta A) s[t-1] + delta B u, y = (C s + D u) SiLU(z).
 *
 * Returns y [B, L, E] and finalState [B, E, N]; differentiable in every input, initialState included.
 * Errors: ArgumentError on a wrong rank, size or dtype. Source: arXiv 2312.00752.
 */
export function selectiveScan(
  inputs: SelectiveScanInputs,
  options: SelectiveScanOptions = {},
): {y: Tensor3D; finalState: Tensor3D} {
  const {y, finalState} = runOp(
    selectiveScanOp,
    {...inputs},
    {deltaSoftplus: options.deltaSoftplus ?? false},
  );
  return {y: y as Tensor3D, finalState: finalState as Tensor3D};
}
