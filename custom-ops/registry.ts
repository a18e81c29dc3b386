// Every operator, once. Tests, benchmarks, backends and the support table iterate over this list.

import {crossEntropyOp} from './cross-entropy/definition.js';
import {embeddingLookupOp} from './embedding-lookup/definition.js';
import {linearOp, linearTransposedOp} from './linear/definition.js';
import type {OpDefinition} from './op.js';
import {rmsNormOp} from './rms-norm/definition.js';

export const ops = {
  crossEntropy: crossEntropyOp,
  embeddingLookup: embeddingLookupOp,
  linear: linearOp,
  linearTransposed: linearTransposedOp,
  rmsNorm: rmsNormOp,
} satisfies Record<string, OpDefinition>;

export type OpName = keyof typeof ops;

export const opList: readonly OpDefinition[] = Object.values(ops);
