// Numbers that are none, on WebGPU: what a device may lose of them is kept.

import type {Tensor} from '@tensorflow/tfjs-core';
import {grad, ones, tensor1d, tensor2d, tensor4d, zeros} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {crossEntropy, exactSearch} from '../../custom-ops/index.js';
import {TokenEmbedding} from '../../layers/index.js';
import {checkNamedNaN, checkUnnamedRows} from '../support/empty-places.js';
import {checkFaintSlopes} from '../support/faint-slopes.js';
import {checkLargeLogits, checkLargeRetrieved, checkLargeScores} from '../support/large-scores.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

describe('edge values on webgpu', function () {
  this.timeout(300_000);
  before(function () {
    return useWebGPUOrSkip(this);
  });

  it('the gradient of selectiveScan reaches step sizes whose slope is below the least float, walked and by chunks', async () => {
    await checkFaintSlopes('selectiveScan', 21, 10);
    await checkFaintSlopes('selectiveScan', 2050, 3);
  });

  it('so does that of ssdScan', async function () {
    this.timeout(300_000);
    await checkFaintSlopes('ssdScan', 21, 10);
  });

  it('no weight of a softmax over scores of 1e9 is above 1 in the gradients', async () => {
    await checkLargeScores();
    await checkLargeRetrieved();
    await checkLargeLogits();
  });

  for (const width of [5, 32]) {
    it(`a row of ${width} that no query names may hold NaN`, () => checkUnnamedRows(width, 'kernel'));
    it(`a row of ${width} that is NaN reaches no empty place`, () => checkNamedNaN(width));
  }

  it('a score that is NaN is never found', async () => {
    const k = tensor4d([1, Number.NaN, 3, 2, Number.NaN, 3, 0, 1, 2], [1, 9, 1, 1]);
    for (const [query, rows] of [
      [1, [2, 5, 3, 8, 0, 7, 6, -1]],
      [Number.NaN, Array(8).fill(-1)],
    ] as const) {
      const found = exactSearch({q: tensor4d([query], [1, 1, 1, 1]), k}, {count: 8});
      expect([...(await found.rows.data())]).to.deep.equal(rows);
    }
  });

  it('an id that is no whole number of the table has a vector of NaN, and no other token’s', async () => {
    const ids = [0, 1.5, 6, Number.NaN, 7, -1, Number.POSITIVE_INFINITY, -0.5, 3];
    const embedding = new TokenEmbedding({vocabSize: 7, dim: 5});
    const rows = embedding.apply(tensor2d(ids, [1, 9], 'float32')) as Tensor;
    const [values, table] = [await rows.data(), await embedding.table.data()];
    for (const [i, id] of ids.entries()) {
      const expected = [0, 6, 3].includes(id)
        ? [...table.slice(5 * id, 5 * id + 5)]
        : Array(5).fill(Number.NaN);
      expect([...values.slice(5 * i, 5 * i + 5)], String(id)).to.deep.equal(expected);
    }
  });

  it('a label out of range costs NaN', async () => {
    const labels = tensor1d([0, 3, -1, -100], 'int32');
    const losses = await crossEntropy(zeros([4, 3]), labels, {reduction: 'none'}).data();
    expect(losses[0]).to.be.closeTo(Math.log(3), 1e-6);
    expect([...losses.slice(1)]).to.deep.equal([Number.NaN, Number.NaN, 0]);
  });

  it('of thousands of rows that are alike the oldest are found', async () => {
    const found = exactSearch({q: ones([1, 1, 1, 1]), k: ones([1, 3000, 1, 1])}, {count: 5});
    expect([...(await found.rows.data())]).to.deep.equal([0, 1, 2, 3, 4]);
  });

  for (const classes of [2, 9, 130]) {
    it(`a logit of ${classes} that is NaN makes its loss NaN, and its row's gradient alone`, async () => {
      const rows = (third: number): number[] =>
        Array.from({length: 2 * classes}, (_, i) => (i === 1 ? third : i % 5));
      const labels = tensor1d([0, 1], 'int32');
      for (const third of [Number.NaN, 2]) {
        const logits = tensor2d(rows(third), [2, classes]);
        const loss = crossEntropy(logits, labels);
        const gradient = grad(x => crossEntropy(x as typeof logits, labels))(logits);
        const [value] = await loss.data();
        const slopes = [...(await gradient.data())];
        expect(Number.isNaN(value), `loss ${value}`).to.equal(Number.isNaN(third));
        expect(slopes.slice(0, classes).some(Number.isNaN)).to.equal(Number.isNaN(third));
        expect(slopes.slice(classes).every(Number.isFinite)).to.equal(true);
        for (const one of [logits, loss, gradient]) one.dispose();
      }
      labels.dispose();
    });
  }
});
