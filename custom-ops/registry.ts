// Every operator, once: a line each. Public functions and the tables of all backends are generated from these lines and
// from what lies in the folders that they name (scripts/write-tables.mjs); tests, benchmarks and the support table iterate
// over op-list.ts.

export {adamWOp as adamW} from './adam-w/definition.js';
export {causalConv1dOp as causalConv1d} from './causal-conv1d/definition.js';
export {crossEntropyOp as crossEntropy} from './cross-entropy/definition.js';
export {dropoutOp as dropout} from './dropout/definition.js';
export {embeddingLookupOp as embeddingLookup} from './embedding-lookup/definition.js';
export {exactSearchOp as exactSearch} from './exact-search/definition.js';
export {
  embeddingLookupHalfOp as embeddingLookupHalf,
  linearHalfOp as linearHalf,
  linearTransposedHalfOp as linearTransposedHalf,
} from './half-weights/definition.js';
export {innovationScoresOp as innovationScores} from './innovation-scores/definition.js';
export {innovationSelectOp as innovationSelect} from './innovation-select/definition.js';
export {linearOp as linear, linearTransposedOp as linearTransposed} from './linear/definition.js';
export {memoryAttentionOp as memoryAttention} from './memory-attention/definition.js';
export {narrowOp as narrow, widenOp as widen} from './narrow/definition.js';
export {retrievedAttentionOp as retrievedAttention} from './retrieved-attention/definition.js';
export {rmsNormOp as rmsNorm} from './rms-norm/definition.js';
export {rotaryEmbeddingOp as rotaryEmbedding} from './rotary-embedding/definition.js';
export {selectiveScanOp as selectiveScan} from './selective-scan/definition.js';
export {ssdScanOp as ssdScan} from './ssd-scan/definition.js';
export {sumOfSquaresOp as sumOfSquares} from './sum-of-squares/definition.js';
export {swigluOp as swiglu} from './swiglu/definition.js';
