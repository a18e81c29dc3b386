// Empty places of retrievedAttention: nothing that stands in memory reaches a query through them.

import type {NamedTensorMap, Rank, Tensor, Tensor4D} from '@tensorflow/tfjs-core';
import {dispose, fill, grads, mul, sum, tensor4d, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {retrievedAttention} from '../../custom-ops/index.js';
import {withComposedOps} from '../../custom-ops/run.js';
import {seededRandom} from '../../custom-ops/sampling.js';

const [QUERIES, ROWS, HEADS, PLACES] = [3, 4, 2, 3];
/** The third query alone names row 0, if any does; the second names nothing. */
const rowsOf = (third: number): number[] => [1, -1, 2, -1, -1, -1, -1, third, 3];

function normals(count: number, seed: number): Float32Array {
  const random = seededRandom(seed);
  return Float32Array.from({length: count}, () => random.normal());
}

interface Numbers {
  readonly out: Float32Array;
  readonly logSumExp: Float32Array;
  readonly gradients: readonly Float32Array[];
}

/** Results and gradients where row 0 of keys and values holds `poison`. */
async function computed(width: number, third: number, poison: number): Promise<Numbers> {
  const tensors: NamedTensorMap = tidy(() => {
    const drawn = (length: number, heads: number, seed: number): number[] =>
      Array.from(normals(length * heads * width, seed));
    const poisoned = (seed: number): Tensor4D =>
      tensor4d(
        drawn(ROWS, 1, seed).map((x, i) => (i < width ? poison : x)),
        [1, ROWS, 1, width],
      );
    const q = tensor4d(drawn(QUERIES, HEADS, 1), [1, QUERIES, HEADS, width]);
    const rows = tensor4d(rowsOf(third), [1, QUERIES, 1, PLACES], 'int32');
    const run = (...inputs: Tensor[]) => {
      const [queries, k, v] = inputs as Tensor4D[];
      return retrievedAttention({q: queries, k, v, rows});
    };
    const [k, v] = [poisoned(2), poisoned(3)];
    const {out, logSumExp} = run(q, k, v);
    const ofOut = fill<Rank.R4>(out.shape, 0.5);
    const [gradQ, gradK, gradV] = grads((...inputs: Tensor[]) => {
      const found = run(...inputs);
      return sum(mul(found.out, ofOut)).add(sum(found.logSumExp));
    })([q, k, v]);
    return {out, logSumExp, gradQ, gradK, gradV};
  });
  const {out, logSumExp, ...gradients} = tensors;
  const numbers = {
    out: Float32Array.from(await out.data()),
    logSumExp: Float32Array.from(await logSumExp.data()),
    gradients: await Promise.all(
      Object.values(gradients).map(async one => Float32Array.from(await one.data())),
    ),
  };
  dispose(tensors);
  return numbers;
}

/** A row that nobody names may hold anything: every number is what it is without. */
export async function checkUnnamedRows(width: number, form: 'kernel' | 'composed'): Promise<void> {
  const run = (poison: number): Promise<Numbers> => {
    const start = (): Promise<Numbers> => computed(width, 2, poison);
    return form === 'composed' ? withComposedOps(start) : start();
  };
  const [poisoned, plain] = [await run(Number.NaN), await run(0)];
  expect(poisoned).to.deep.equal(plain);
  expect([...plain.out, ...plain.logSumExp].every(Number.isFinite)).to.equal(true);
}

/** A NaN in a row reaches the queries that name it, and no other through its empty places. */
export async function checkNamedNaN(width: number): Promise<void> {
  const {out, logSumExp, gradients} = await computed(width, 0, Number.NaN);
  const own = (2 * out.length) / QUERIES;
  expect(out.slice(own).every(Number.isNaN), 'output of the query that names it').to.equal(true);
  expect([...out.slice(0, own), ...logSumExp.slice(0, 2 * HEADS)].every(Number.isFinite)).to.equal(true);
  const [gradQ, ...ofRows] = gradients;
  expect(gradQ.slice(own).every(Number.isNaN), 'its gradient').to.equal(true);
  expect(gradQ.slice(0, own).every(Number.isFinite), 'gradients of the others').to.equal(true);
  for (const gradient of ofRows)
    expect(gradient.slice(width, 3 * width).every(Number.isFinite), 'gradients of their rows').to.equal(true);
}
