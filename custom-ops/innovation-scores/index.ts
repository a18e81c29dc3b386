import type {Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {innovationScoresOp} from './definition.js';

/** Options of {@link innovationScores}, all of which may be left out. */
export interface InnovationScoresOptions {
  /** Fading tokens k that predict the next one, in [1, 64]. Default 4. */
  span?: number;
}

/**
 * How badly a running average predicts each fading token: the norm of y[t] minus the average of y[t-1..t-k] with
 * weights 2^-1..2^-k over the steps that exist, renormalised; y[0] against zero.
 *
 * y [B, L, D]; returns [B, L]. No gradient. Errors: ArgumentError. Source: arXiv 2407.06324, section on innovation.
 */
export function innovationScores(y: Tensor3D, options: InnovationScoresOptions = {}): Tensor2D {
  return runOp(innovationScoresOp, {y}, {span: options.span ?? 4}).scores as Tensor2D;
}
