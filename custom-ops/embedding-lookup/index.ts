import type {Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {runOp} from '../run.js';
import {embeddingLookupOp} from './definition.js';

/**
 * The table's row of every id.
 *
 * Shapes: table [V, D]; ids [B, L] int32 in [0, V); returns [B, L, D]. Differentiable in table.
 * Errors: ArgumentError on a wrong rank, size or dtype, or an id out of range (where memory can be read at once: cpu
 * and wasm); elsewhere its row is NaN.
 */
export function embeddingLookup(table: Tensor2D, ids: Tensor2D): Tensor3D {
  return runOp(embeddingLookupOp, {table, ids}, {}).y as Tensor3D;
}
