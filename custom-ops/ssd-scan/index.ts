import type {Tensor1D, Tensor3D, Tensor4D} from '@tensorflow/tfjs-core';
import {checkNumber, refuse} from '../check.js';
import type {Precision} from '../precision.js';
import {runOp} from '../run.js';
import {NO_MOST} from './attributes.js';
import {ssdScanOp} from './definition.js';

/** Tensors of {@link ssdScan}: H heads of P channels, groups G of heads that share B and C; `D`, `deltaBias` and `initialState` may be left out. */
export interface SsdScanInputs {
  /** Input, [B, L, H, P]. */
  x: Tensor4D;
  /** Step sizes before bias and softplus, [B, L, H]. */
  delta: Tensor3D;
  /** Decay rates, [H], negative for a stable memory. */
  A: Tensor1D;
  /** What each token writes, [B, L, G, N]; G divides H, and head h uses group floor(h G / H). */
  B: Tensor4D;
  /** What each token reads, [B, L, G, N]. */
  C: Tensor4D;
  /** Skip weight, [H]. */
  D?: Tensor1D;
  /** Added to delta, [H]. */
  deltaBias?: Tensor1D;
  /** State before the first token, [B, H, P, N]; default zeros. */
  initialState?: Tensor4D;
}

/** Options of {@link ssdScan}, all of which may be left out. */
export interface SsdScanOptions {
  /** Least and greatest step size, taken after softplus. Default [0, Infinity]. */
  deltaLimits?: readonly [number, number];
  /** How products are computed: their factors are rounded so, sums are float32. Default 'float32'. */
  precision?: Precision;
}

/**
 * State-space dual scan of Mamba-2: d = softplus(delta + deltaBias), s[t] = exp(d A) s[t-1] + d x (outer) B, y = s C + D x.
 *
 * Returns y [B, L, H, P] and finalState [B, H, P, N]; differentiable in every input, initialState included.
 * Errors: ArgumentError on a wrong rank, size, dtype or precision, on heads that are no multiple of the groups, and on limits
 * that are negative or out of order. Source: arXiv 2405.21060.
 */
export function ssdScan(
  inputs: SsdScanInputs,
  options: SsdScanOptions = {},
): {y: Tensor4D; finalState: Tensor4D} {
  const limits = options.deltaLimits ?? [0, Number.POSITIVE_INFINITY];
  if (!Array.isArray(limits) || limits.length !== 2) refuse('ssdScan', 'deltaLimits', 'two numbers', limits);
  const [deltaLeast, most] = limits;
  const deltaMost = most === Number.POSITIVE_INFINITY ? NO_MOST : most;
  checkNumber('ssdScan', 'deltaLimits[0]', deltaLeast, 0, NO_MOST);
  checkNumber('ssdScan', 'deltaLimits[1]', deltaMost, deltaLeast, NO_MOST);
  const {y, finalState} = runOp(
    ssdScanOp,
    {...inputs},
    {
      deltaLeast,
      deltaMost,
      precision: options.precision ?? 'float32',
    },
  );
  return {y: y as Tensor4D, finalState: finalState as Tensor4D};
}
