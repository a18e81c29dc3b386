import type {Tensor2D, Tensor4D} from '@tensorflow/tfjs-core';
import {tidy} from '@tensorflow/tfjs-core';
import {checkInteger, checkNumber} from '../check.js';
import {runOp} from '../run.js';
import {rotaryEmbeddingOp} from './definition.js';
import {checkHeadWidth, rotaryTable, sharedRotaryTable} from './table.js';

export {rotaryTable} from './table.js';

/** Options of {@link rotaryEmbedding}; defaults stand beside each. */
export interface RotaryEmbeddingOptions {
  /** Base of the wavelengths. Default 10000. */
  base?: number;
  /** Absolute position of the first token. Default 0. */
  offset?: number;
}

/**
 * Rotates the channel pairs (i, i + Dh/2) of every head by the angle position * base^(-2i/Dh).
 *
 * Shapes: x [B, L, H, Dh], Dh even; returns [B, L, H, Dh]. Differentiable in x. Angles are computed in double
 * precision on the host and uploaded, for offset 0 once for each length: with others, in a loop, make the table once and
 * call {@link rotaryEmbeddingWithTable}.
 * Errors: ArgumentError on a wrong rank, dtype, width, base or offset. Source: arXiv 2104.09864.
 */
export function rotaryEmbedding(x: Tensor4D, options: RotaryEmbeddingOptions = {}): Tensor4D {
  const {base = 10000, offset = 0} = options;
  checkNumber('rotaryEmbedding', 'base', base, 1);
  checkInteger('rotaryEmbedding', 'offset', offset, -(2 ** 31));
  return tidy(() => {
    // What has no length or width gets a table of the least size: the op then refuses x by name.
    const [length, headWidth] = x?.shape?.length === 4 ? [x.shape[1], x.shape[3]] : [0, 2];
    checkHeadWidth('rotaryEmbedding', "x's last axis, Dh,", headWidth);
    if (offset === 0) return rotaryEmbeddingWithTable(x, sharedRotaryTable(length, headWidth, base));
    const positions = Array.from({length}, (_, row) => offset + row);
    return rotaryEmbeddingWithTable(x, rotaryTable(positions, headWidth, base));
  });
}

/**
 * {@link rotaryEmbedding} at any positions, by a table that {@link rotaryTable} made.
 *
 * Shapes: x [B, L, H, Dh], Dh even; cosSin [L, Dh]; returns [B, L, H, Dh]. Differentiable in x.
 * Errors: ArgumentError on a wrong rank, size or dtype.
 */
export function rotaryEmbeddingWithTable(x: Tensor4D, cosSin: Tensor2D): Tensor4D {
  return runOp(rotaryEmbeddingOp, {x, cosSin}, {}).y as Tensor4D;
}
