// The loss block by block is the loss of all logits, with its gradient, and never holds them.

import type {NamedTensorMap, Rank, Scalar, Tensor, Tensor1D, Tensor2D} from '@tensorflow/tfjs-core';
import {
  clone,
  engine,
  keep,
  memory,
  mul,
  profile,
  reshape,
  sum,
  tensor1d,
  tensor2d,
  tidy,
} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {crossEntropy} from '../../custom-ops/index.js';
import {relativeError, tolerances} from '../../custom-ops/parity.js';
import {randomStream} from '../../data/random.js';
import {memoryTokens} from '../../data/token-source.js';
import {evaluateLanguage} from '../../eval/language.js';
import {LanguageModel} from '../../models/index.js';
import type {RowBlock} from '../../models/row-blocks.js';
import {rowBlocks} from '../../models/row-blocks.js';
import type {RowScores} from '../../train/blocked-loss.js';
import {blockedLoss, rightRows} from '../../train/blocked-loss.js';
import {batchOutcome, DeviceConstants} from '../../train/objective.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {warnings} from '../support/warnings.js';

const small = {dModel: 8, heads: 1, layers: 1, window: 4, eideticSlots: 2, stateSize: 4, seed: 5} as const;

function drawn(model: LanguageModel, count: number) {
  const random = randomStream([91, 4], count);
  const numbers = (length: number): number[] => Array.from({length}, () => random.uniform() - 0.5);
  return {
    model,
    rows: tensor2d(numbers(count * model.dModel), [count, model.dModel]),
    // Some rows cost nothing.
    labels: tensor1d(
      Array.from({length: count}, (_, i) => (i % 5 === 3 ? -100 : random.integer(model.vocabSize))),
      'int32',
    ),
    cotangent: tensor1d(numbers(count)),
  };
}

interface Found {
  readonly loss: number;
  readonly losses: number[];
  readonly right: number[];
  readonly gradients: Float32Array[];
}

type Scored = (asked: ReturnType<typeof drawn>, tell: (scores: RowScores) => void) => Scalar;

function found(asked: ReturnType<typeof drawn>, compute: Scored): Found {
  const scores: RowScores[] = [];
  const {value, grads} = engine().gradients(() => compute(asked, one => scores.push(one)), [
    asked.rows,
    ...asked.model.headWeights(),
  ] as Tensor[]);
  const [{losses, right}] = scores;
  const result = {
    loss: value.dataSync()[0],
    losses: [...losses.dataSync()],
    right: [...right.dataSync()],
    gradients: grads.map(one => Float32Array.from(one.dataSync())),
  };
  for (const one of [value, losses, right, ...grads]) one.dispose();
  return result;
}

const whole: Scored = ({model, rows, labels, cotangent}, tell) => {
  const logits = model.logits(rows);
  const losses = crossEntropy(logits, labels, {reduction: 'none'});
  tell({losses: keep(clone(losses)), right: keep(rightRows(logits, labels))});
  return sum(mul(losses, cotangent));
};
const inBlocks =
  (blocks: readonly RowBlock[]): Scored =>
  (asked, tell) =>
    blockedLoss(asked, blocks, tell);

for (const backend of readableBackends) {
  describe(`loss in blocks of rows, ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });

    for (const [name, head] of Object.entries({
      'a tied head': {},
      'a head of its own with a bias': {tieHead: false},
      'a head of its own without': {tieHead: false, headBias: false},
    })) {
      it(`equals the loss of all logits, with its gradient: ${name}`, () => {
        const model = LanguageModel.create({...small, vocabSize: 37, ...head});
        const before = memory().numTensors;
        const asked = drawn(model, 23);
        const expected = found(asked, whole);
        for (const most of [1, 7, 22, 23]) {
          const blocks = rowBlocks(23, 37, most);
          expect(blocks.length).to.equal(Math.ceil(23 / most));
          const own = found(asked, inBlocks(blocks));
          expect(own.right).to.deep.equal(expected.right);
          expect(relativeError(own.losses, expected.losses)).to.be.below(tolerances.float32.forward);
          expect(own.loss).to.be.closeTo(expected.loss, 1e-5);
          expect(own.gradients).to.have.length(expected.gradients.length);
          own.gradients.forEach((gradient, i) => {
            const error = relativeError(gradient, expected.gradients[i]);
            expect(error, `gradient ${i}, ${most} rows`).to.be.below(tolerances.float32.gradient);
          });
        }
        for (const one of [asked.rows, asked.labels, asked.cotangent]) one.dispose();
        expect(memory().numTensors, 'tensors left behind').to.equal(before);
        model.model.dispose();
      });
    }
  });
}

describe('evaluation of a language model with a large vocabulary', function () {
  this.timeout(300_000);

  it('scores windows together, whose logits it holds in blocks, as one after the other', async function () {
    await useReadableBackend(this, 'wasm');
    const vocabSize = 50_280;
    const context = 700;
    expect([1, 2].map(batch => rowBlocks(batch * context, vocabSize).length)).to.deep.equal([1, 2]);
    const ids = Array.from({length: 1500}, (_, i) => (i * 7919) % vocabSize);
    const source = memoryTokens([ids], vocabSize, ids.length);
    const model = LanguageModel.create({dModel: 8, stateSize: 4, layers: 1, preset: 'mamba', vocabSize});
    const scored = (batch: number) => evaluateLanguage(model, source, {starts: [0, context], context, batch});
    const [alone, together] = [await scored(1), await scored(2)];
    expect(together.loss).to.be.closeTo(alone.loss, 1e-5);
    expect({...together, loss: 0, perplexity: 0, bitsPerByte: 0}).to.deep.equal({
      ...alone,
      loss: 0,
      perplexity: 0,
      bitsPerByte: 0,
    });
    model.model.dispose();
  });
});

describe('blocks of rows', () => {
  it('are whole up to 256 MiB of logits, of nearly equal sizes beyond, and one row at least', () => {
    expect(rowBlocks(16384, 4096)).to.deep.equal([{begin: 0, size: 16384}]);
    expect(rowBlocks(16385, 4096)).to.deep.equal([
      {begin: 0, size: 8192},
      {begin: 8192, size: 8193},
    ]);
    expect(rowBlocks(3, 2 ** 27)).to.have.length(3);
    for (const [rows, most] of [
      [100, 7],
      [64, 64],
      [5, 1],
    ]) {
      const blocks = rowBlocks(rows, 10, most);
      expect(Math.max(...blocks.map(({size}) => size))).to.be.at.most(most);
      expect(Math.min(...blocks.map(({size}) => size))).to.be.above(0);
      expect(blocks.map(({begin}) => begin)).to.deep.equal(
        blocks.map((_, i) => blocks.slice(0, i).reduce((total, {size}) => total + size, 0)),
      );
      expect(blocks.reduce((total, {size}) => total + size, 0)).to.equal(rows);
    }
  });
});

describe('an update of a model with a large vocabulary', function () {
  this.timeout(300_000);
  const vocabSize = 50_280;
  const [size, length] = [2, 128];
  let model: LanguageModel;
  let constants: DeviceConstants;
  before(async function () {
    await useReadableBackend(this, 'wasm');
    model = LanguageModel.create({...small, vocabSize});
    constants = new DeviceConstants();
  });
  after(() => {
    constants.dispose();
    model.model.dispose();
  });

  /** Gradients of one update, and the most bytes that lay in tensors meanwhile beyond those of before. */
  async function updated(
    logitRows: number,
  ): Promise<{loss: number; gradients: Float32Array[]; peak: number}> {
    const random = randomStream([92, 4], 0);
    const ids = (count: number): Int32Array =>
      Int32Array.from({length: count}, () => random.integer(vocabSize));
    const inputs = tensor2d(ids(size * length), [size, length], 'int32');
    const labels = tensor1d(ids(size * length), 'int32');
    const microBatch = {
      labels: labels.dataSync<'int32'>(),
      inputs: [],
      forward: (own: LanguageModel, [tokens]: readonly Tensor[]) => {
        const hidden = own.hidden(tokens as Tensor2D);
        return {rows: reshape<Rank.R2>(hidden, [size * length, small.dModel])};
      },
    };
    let outcome: {loss: Scalar; accuracy: Scalar; gradients: NamedTensorMap} | undefined;
    const before = memory().numBytes;
    const {peakBytes} = await profile(() => {
      tidy(() => {
        outcome = batchOutcome(
          model,
          [{microBatch, labels: labels as Tensor1D, inputs: [inputs]}],
          [],
          constants,
          {logitRows},
        );
        return [outcome.loss, outcome.accuracy, ...Object.values(outcome.gradients)];
      });
    });
    const {loss, accuracy, gradients} = outcome!;
    const result = {
      loss: loss.dataSync()[0],
      gradients: Object.values(gradients).map(one => Float32Array.from(one.dataSync())),
      peak: peakBytes - before,
    };
    for (const one of [loss, accuracy, ...Object.values(gradients), inputs, labels]) one.dispose();
    return result;
  }

  it('never holds the logits of a batch, and comes to the same gradients', async () => {
    const logits = 4 * size * length * vocabSize;
    const [all, parts] = [await updated(size * length), await updated(16)];
    expect(parts.loss).to.be.closeTo(all.loss, 1e-4);
    parts.gradients.forEach((gradient, i) => {
      expect(relativeError(gradient, all.gradients[i])).to.be.below(tolerances.float32.gradient);
    });
    // The logits and their gradient; of sixteen blocks a sixteenth, beside the table's gradients.
    expect(all.peak).to.be.above(2 * logits);
    expect(parts.peak).to.be.below(logits / 2);
    expect(await warnings(async () => void (await updated(16)))).to.deep.equal([]);
  });
});
