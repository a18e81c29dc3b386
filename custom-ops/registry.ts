// Every operator, once. Tests, benchmarks, backends and the support table iterate over this list.

import {adamWOp} from './adam-w/definition.js';
import {causalConv1dOp} from './causal-conv1d/definition.js';
import {crossEntropyOp} from './cross-entropy/definition.js';
import {dropoutOp} from './dropout/definition.js';
import {embeddingLookupOp} from './embedding-lookup/definition.js';
import {innovationScoresOp} from './innovation-scores/definition.js';
import {innovationSelectOp} from './innovation-select/definition.js';
import {linearOp, linearTransposedOp} from './linear/definition.js';
import {memoryAttentionOp} from './memory-attention/definition.js';
import type {OpDefinition} from './op.js';
import {rmsNormOp} from './rms-norm/definition.js';
import {rotaryEmbeddingOp} from './rotary-embedding/definition.js';
import {selectiveScanOp} from './selective-scan/definition.js';
import {sumOfSquaresOp} from './sum-of-squares/definition.js';
import {swigluOp} from './swiglu/definition.js';

export const ops = {
  adamW: adamWOp,
  crossEntropy: crossEntropyOp,
  dropout: dropoutOp,
  embeddingLookup: embeddingLookupOp,
  selectiveScan: selectiveScanOp,
  causalConv1d: causalConv1dOp,
  memoryAttention: memoryAttentionOp,
  innovationScores: innovationScoresOp,
  innovationSelect: innovationSelectOp,
  linear: linearOp,
  linearTransposed: linearTransposedOp,
  rmsNorm: rmsNormOp,
  rotaryEmbedding: rotaryEmbeddingOp,
  sumOfSquares: sumOfSquaresOp,
  swiglu: swigluOp,
} satisfies Record<string, OpDefinition>;

export type OpName = keyof typeof ops;

export const opList: readonly OpDefinition[] = Object.values(ops);
