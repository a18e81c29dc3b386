// Every operator, once. Tests, benchmarks, backends and the support table iterate over this list.

import {adamWOp} from './adam-w/definition.js';
import {crossEntropyOp} from './cross-entropy/definition.js';
import {embeddingLookupOp} from './embedding-lookup/definition.js';
import {linearOp, linearTransposedOp} from './linear/definition.js';
import type {OpDefinition} from './op.js';
import {rmsNormOp} from './rms-norm/definition.js';
import {rotaryEmbeddingOp} from './rotary-embedding/definition.js';
import {swigluOp} from './swiglu/definition.js';

export const ops = {
  adamW: adamWOp,
  crossEntropy: crossEntropyOp,
  embeddingLookup: embeddingLookupOp,
  linear: linearOp,
  linearTransposed: linearTransposedOp,
  rmsNorm: rmsNormOp,
  rotaryEmbedding: rotaryEmbeddingOp,
  swiglu: swigluOp,
} satisfies Record<string, OpDefinition>;

export type OpName = keyof typeof ops;

export const opList: readonly OpDefinition[] = Object.values(ops);
