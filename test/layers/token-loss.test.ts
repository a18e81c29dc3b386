// tf's own compile and fit on our models: the loss from logits, its labels, and what is refused.

import {memory, ones, tensor2d, tensor3d, train} from '@tensorflow/tfjs-core';
import * as tfl from '@tensorflow/tfjs-layers';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {
  BMojoMixer,
  LinearHead,
  ResidualBlock,
  RMSNorm,
  sparseCrossEntropyFromLogits,
  TiedHead,
  TokenEmbedding,
  tokenAccuracy,
} from '../../layers/index.js';
import {createModel, LanguageModel} from '../../models/index.js';

const small = {vocabSize: 11, dModel: 8, layers: 1, heads: 2, window: 4, eideticSlots: 2, stateSize: 4};
const tokens = tensor2d([1, 2, 3, 4, 5, 6, 7, 8], [2, 4], 'int32');

/** Checks that a call is refused in these words. */
async function expectRefusal(call: () => Promise<unknown>, words: string): Promise<void> {
  const said = await call().then(
    () => 'no refusal',
    error => String(error),
  );
  expect(said).to.include(words);
}

describe('compile and fit with token labels', () => {
  before(async () => {
    await useBackend('cpu');
  });

  it('is the mean over labelled tokens of log-sum-exp minus the label’s logit', () => {
    const logits = tensor3d([1, 2, 3, 0, 0, 0, 5, 1, 0, -1, 4, 2], [1, 4, 3]);
    const labels = [2, -100, 1, 0];
    const losses = [
      [1, 2, 3],
      [5, 1, 0],
      [-1, 4, 2],
    ].map((row, i) => Math.log(row.reduce((total, x) => total + Math.exp(x), 0)) - row[[2, 1, 0][i]]);
    const mean = losses.reduce((a, b) => a + b) / 3;
    for (const given of [tensor2d(labels, [1, 4], 'int32'), tensor3d(labels, [1, 4, 1])]) {
      expect(sparseCrossEntropyFromLogits(given, logits).dataSync()[0]).to.be.closeTo(mean, 1e-6);
      expect(tokenAccuracy(given, logits).dataSync()[0]).to.be.closeTo(1 / 3, 1e-6);
    }
    expect(sparseCrossEntropyFromLogits(tensor2d([-100], [1, 1]), ones([1, 1, 3])).dataSync()[0]).to.equal(0);
    expect(() => sparseCrossEntropyFromLogits(tensor2d([1, 2], [1, 2]), logits)).to.throw(
      'labels must be [B, L] or [B, L, 1] for logits [1, 4, 3], got [1, 2]',
    );
  });

  for (const shape of [
    [2, 4],
    [2, 4, 1],
  ] as const) {
    it(`fits labels [${shape}], blind to those of -100`, async () => {
      const model = createModel(small);
      model.compile({
        optimizer: train.adam(0.05),
        loss: sparseCrossEntropyFromLogits,
        metrics: [tokenAccuracy],
      });
      const labels = [2, 3, 4, -100, 6, 7, 8, -100];
      const given = shape.length === 2 ? tensor2d(labels, [2, 4], 'int32') : tensor3d(labels, [2, 4, 1]);
      const {history} = await model.fit(tokens, given, {epochs: 40, verbose: 0});
      expect(history.loss[0]).to.be.closeTo(Math.log(11), 0.3);
      expect(history.loss.at(-1)).to.be.below(0.2);
      expect(history.tokenAccuracy.at(-1)).to.equal(1);
      model.dispose();
    });
  }

  it('fits through LanguageModel, whatever the head gives, labels [2, 4] and [2, 4, 1]', async () => {
    const labels = [2, 3, 4, 5, 6, 7, 8, 1];
    const byHand = tfl.sequential({
      layers: [
        new TokenEmbedding({vocabSize: 11, dim: 8, inputShape: [null], dtype: 'int32'}),
        new ResidualBlock({layer: new BMojoMixer({heads: 2, window: 4})}),
        new RMSNorm({}),
        new TiedHead({activation: 'softmax'}),
      ],
    });
    for (const [model, accuracy] of [
      [LanguageModel.create(small), 'tokenAccuracy'],
      [new LanguageModel(byHand), 'acc'],
    ] as const) {
      model.compile({optimizer: train.adam(0.05)});
      const before = memory().numTensors;
      for (const given of [tensor2d(labels, [2, 4], 'int32'), tensor3d(labels, [2, 4, 1])]) {
        const {history} = await model.fit(tokens, given, {epochs: 30, verbose: 0});
        expect(history.loss.at(-1), accuracy).to.be.below(0.5);
        expect(history[accuracy].at(-1)).to.equal(1);
        given.dispose();
      }
      expect(memory().numTensors - before, 'the moments of the optimizer alone').to.equal(
        2 * model.parameters().length,
      );
      const short = ones([2, 3]);
      await expectRefusal(() => model.fit(tokens, short), 'labels must be [2, 4] or [2, 4, 1], got [2, 3]');
      short.dispose();
      const beyond = tensor2d([2, 3, 4, 5, 6, 7, 8, 11], [2, 4]);
      await expectRefusal(() => model.fit(tokens, beyond), 'labels must be ids in [0, 11)');
      await expectRefusal(() => model.fit(beyond, tokens), 'tokens must be ids in [0, 11), got 11');
      beyond.dispose();
      model.model.dispose();
    }
    const again = LanguageModel.create(small, {recompute: true});
    await expectRefusal(async () => again.compile({optimizer: 'adam'}), 'recompute must be off');
    again.model.dispose();
  });

  it('refuses a loss of probabilities on logits, whoever built the model, and takes it on probabilities', () => {
    const built = (head: tfl.layers.Layer) =>
      tfl.sequential({
        layers: [
          new TokenEmbedding({vocabSize: 11, dim: 8, inputShape: [null], dtype: 'int32'}),
          new ResidualBlock({layer: new BMojoMixer({heads: 2, window: 4})}),
          new RMSNorm({}),
          head,
        ],
      });
    for (const model of [
      createModel(small),
      built(new TiedHead({})),
      built(new LinearHead({vocabSize: 11})),
    ]) {
      for (const loss of ['sparseCategoricalCrossentropy', 'categoricalCrossentropy'])
        expect(() => model.compile({optimizer: 'adam', loss})).to.throw(
          `compile: loss must be sparseCrossEntropyFromLogits of bmojo, for the head gives logits, got '${loss}'`,
        );
      expect(() =>
        model.compile({optimizer: 'adam', loss: sparseCrossEntropyFromLogits, metrics: ['accuracy']}),
      ).to.throw('compile: metrics must be tokenAccuracy');
    }
    const probabilities = built(new TiedHead({activation: 'softmax'}));
    probabilities.compile({optimizer: 'adam', loss: 'sparseCategoricalCrossentropy', metrics: ['accuracy']});
    expect(() => probabilities.compile({optimizer: 'adam', loss: sparseCrossEntropyFromLogits})).to.throw(
      "compile: loss must be 'sparseCategoricalCrossentropy' for a head with activation 'softmax'",
    );
  });
});
