// tf's own fit with activations in 16 bits: the losses of float32, the gradients of our own walk, less memory.

import type {Scalar, Tensor, Tensor2D, Variable} from '@tensorflow/tfjs-core';
import {dispose, memory, scalar, tensor2d, train} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {ArgumentError} from '../../custom-ops/index.js';
import {relativeError} from '../../custom-ops/parity.js';
import {withPacking} from '../../custom-ops/saved-tensors.js';
import {valueAndGradients} from '../../custom-ops/value-and-gradients.js';
import {sparseCrossEntropyFromLogits} from '../../layers/index.js';
import type {PartialModelConfig} from '../../models/index.js';
import {LanguageModel} from '../../models/index.js';
import {activationFormats} from '../../train/activation-formats.js';
import {packingOf} from '../../train/activations.js';
import {keepingActivations} from '../../train/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {withPeakBytes} from '../support/peak-bytes.js';

const shared = {dModel: 32, heads: 2, layers: 4, window: 16, stateSize: 4, vocabSize: 24, seed: 3} as const;
const models: Record<string, PartialModelConfig> = {
  bmojo: {...shared, preset: 'bmojo', eideticSlots: 4, mlp: true},
  mamba: {...shared, preset: 'mamba'},
  transformer: {...shared, preset: 'transformer', mlp: true},
};
/** Of all gradients together, RMS-relative to those with activations in float32. */
const tolerances = {float16: 6e-4, bfloat16: 5e-3} as const;
const [batch, length] = [2, 64];

const someIds = (seed: number): Tensor2D =>
  tensor2d(
    Array.from({length: batch * length}, (_, i) => (i * i * 7 + 5 * i * seed + 3) % shared.vocabSize),
    [batch, length],
    'int32',
  );

for (const backend of readableBackends)
  describe(`tf's own fit with activations in 16 bits, ${backend}`, function () {
    this.timeout(120_000);
    let tokens: Tensor2D;
    let labels: Tensor2D;
    before(async function () {
      await useReadableBackend(this, backend);
      [tokens, labels] = [someIds(1), someIds(2)];
    });
    after(() => dispose([tokens, labels]));

    for (const [name, config] of Object.entries(models))
      it(`${name}: the loss of float32, the gradients of our walk, less memory`, () => {
        const {model} = LanguageModel.create(config);
        const loss = (): Scalar => {
          const logits = model.apply(tokens, {training: true}) as Tensor;
          return sparseCrossEntropyFromLogits(labels.expandDims(2), logits).mean();
        };
        const variables = model.trainableWeights.map(weight => weight.read() as Variable);
        const before = memory().numTensors;
        const found = activationFormats.map(format => {
          const optimizer = keepingActivations(train.sgd(0.1), format);
          const {result, peak} = withPeakBytes(() => optimizer.computeGradients(loss, variables));
          const gradients = variables.map(variable =>
            Float32Array.from(result.grads[variable.name].dataSync()),
          );
          const {value, grads} = withPacking(packingOf(format), () =>
            valueAndGradients(loss, variables, scalar(1)),
          );
          expect(gradients).to.deep.equal(grads.map(one => Float32Array.from(one.dataSync())));
          const own = {
            value: result.value.dataSync()[0],
            gradients: gradients.flatMap(one => [...one]),
            peak,
          };
          dispose([result.value, result.grads, value, ...grads]);
          optimizer.dispose();
          return own;
        });
        const [whole, ...rounded] = found;
        for (const [i, {value, gradients, peak}] of rounded.entries()) {
          expect(value).to.equal(whole.value);
          const error = relativeError(gradients, whole.gradients);
          expect(error)
            .to.be.below(tolerances[(['float16', 'bfloat16'] as const)[i]])
            .and.above(0);
          // tf's tape keeps more beside what is packed, such as both sides of sums.
          expect(peak / whole.peak, 'peak').to.be.below(0.95);
        }
        expect(memory().numTensors - before, 'tensors left behind: cotangents').to.equal(3);
        model.dispose();
      });
  });

describe("tf's own fit with activations in 16 bits", () => {
  before(function () {
    return useReadableBackend(this, 'wasm');
  });

  it('learns, by the optimizer that was given', async () => {
    // Each token is its own label: learned in few steps.
    const tokens = someIds(1);
    const losses: number[][] = [];
    for (const format of activationFormats) {
      const model = LanguageModel.create(models.bmojo);
      const adam = train.adam(0.02);
      const optimizer = keepingActivations(adam, format);
      model.compile({optimizer});
      const {history} = await model.fit(tokens, tokens, {
        epochs: 8,
        batchSize: batch,
        shuffle: false,
        verbose: 0,
      });
      losses.push(history.loss.map(Number));
      expect(optimizer.iterations).to.equal(8);
      expect([optimizer.getClassName(), optimizer.getConfig()]).to.deep.equal([
        adam.getClassName(),
        adam.getConfig(),
      ]);
      const [one, other] = [await optimizer.getWeights(), await adam.getWeights()];
      expect(one.map(({name}) => name)).to.deep.equal(other.map(({name}) => name));
      optimizer.dispose();
      model.model.dispose();
    }
    const [whole, ...rounded] = losses;
    expect(whole.at(-1)).to.be.below(0.8 * whole[0]);
    for (const [i, own] of rounded.entries()) {
      expect(own[0]).to.equal(whole[0]);
      expect(own, 'nothing was rounded').not.to.deep.equal(whole);
      for (const [epoch, loss] of own.entries())
        expect(loss, `epoch ${epoch}`).to.be.closeTo(whole[epoch], [0.01, 0.05][i]);
    }
    tokens.dispose();
  });

  it('refuses what is no optimizer and no format', () => {
    const given = JSON.parse('["adam", "float8"]');
    expect(() => keepingActivations(given[0], 'float16')).to.throw(ArgumentError, 'optimizer must be');
    expect(() => keepingActivations(train.sgd(1), given[1])).to.throw(ArgumentError, 'format must be');
  });
});
