import {checkOneOf} from '../check.js';
import type {Kernel, OpDefinition} from '../op.js';
import {precisions} from '../precision.js';
import type {LinearAttributes} from './attributes.js';
import {cases} from './cases.js';
import {composedWith} from './composed.js';
import {backwardWith, forwardWith} from './reference.js';

/** A pack of B, one of A and a row: kGemmScratch of native/gemm.h. */
const scratchFloats = () => 256 * 512 + 256 * 60 + 512;

function kernel(symbol: string, reference: Kernel<LinearAttributes>['reference']): Kernel<LinearAttributes> {
  return {reference, native: {symbol, scratchFloats, scalars: ['B L', 'D', 'E']}};
}

/** Two layouts of the weight, one definition: an op's shapes are fixed, so each layout is an op. */
function define(name: string, symbol: string, transposeWeight: boolean): OpDefinition<LinearAttributes> {
  const weightAt = transposeWeight
    ? (d: number, e: number, D: number) => e * D + d
    : (d: number, e: number, _D: number, E: number) => d * E + e;
  return {
    name,
    inputs: {
      x: {shape: 'B L D', dtype: 'float32', differentiable: true, keptNarrow: true},
      weight: {shape: transposeWeight ? 'E D' : 'D E', dtype: 'float32', differentiable: true},
      bias: {shape: 'E', dtype: 'float32', optional: true, differentiable: true},
    },
    outputs: {
      y: {shape: 'B L E', dtype: 'float32', role: 'result'},
      passed: {shape: 'B L D', dtype: 'float32', role: 'result', optional: true, passes: 'x'},
    },
    attributes: {precision: {type: 'word', words: precisions}},
    checkAttributes: ({precision}) => void checkOneOf(name, 'precision', precision, precisions),
    forward: kernel(`${symbol}_forward`, forwardWith(weightAt)),
    backward: kernel(`${symbol}_backward`, backwardWith(weightAt)),
    composedOnCuda: true,
    composed: composedWith(transposeWeight),
    cases,
  };
}

export const linearOp = define('linear', 'linear', false);
export const linearTransposedOp = define('linearTransposed', 'linear_transposed', true);
