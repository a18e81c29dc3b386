// Activations kept in 16 bits: the same loss, gradients within the format's rounding, less memory.

import type {Tensor, Tensor1D, Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {
  add,
  dispose,
  getKernel,
  memory,
  mul,
  registerKernel,
  reshape,
  tensor,
  tensor1d,
  tensor2d,
  tidy,
  unregisterKernel,
} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {causalConv1d, linear, narrow, swiglu, widen} from '../../custom-ops/index.js';
import {kernelName} from '../../custom-ops/op.js';
import {relativeError} from '../../custom-ops/parity.js';
import {withPacking} from '../../custom-ops/saved-tensors.js';
import {valueAndGradients} from '../../custom-ops/value-and-gradients.js';
import {randomStream} from '../../data/random.js';
import type {PartialModelConfig} from '../../models/index.js';
import {LanguageModel} from '../../models/index.js';
import type {ActivationFormat} from '../../train/activation-formats.js';
import {activationFormats} from '../../train/activation-formats.js';
import {packingOf} from '../../train/activations.js';
import {batchOutcome, DeviceConstants} from '../../train/objective.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {withPeakBytes} from '../support/peak-bytes.js';
import {warnings} from '../support/warnings.js';

const narrowFormats = ['float16', 'bfloat16'] as const;
/** Of all gradients of a model together, RMS-relative to those with activations in float32. */
const tolerances = {float16: 6e-4, bfloat16: 5e-3} as const;

const shared = {dModel: 32, heads: 2, layers: 4, window: 16, stateSize: 4, vocabSize: 24, seed: 3} as const;
const models: Record<string, PartialModelConfig> = {
  bmojo: {...shared, preset: 'bmojo', eideticSlots: 4, mlp: true, dropout: 0},
  mamba: {...shared, preset: 'mamba'},
  'mamba-2': {...shared, preset: 'mamba2', stateSize: 8},
  transformer: {...shared, preset: 'transformer', mlp: true},
};
const [batch, length] = [2, 64];

/** All gradients as one, since sums over all tokens cancel, as that of one head's D. */
function joined(gradients: readonly Float32Array[]): number[] {
  return gradients.flatMap(one => [...one]);
}

interface Found {
  readonly loss: number;
  readonly gradients: Float32Array[];
  readonly peak: number;
}

function outcome(model: LanguageModel, activations?: ActivationFormat): Found {
  const before = memory().numTensors;
  const random = randomStream([93, 1], 0);
  const ids = (): Int32Array =>
    Int32Array.from({length: batch * length}, () => random.integer(model.vocabSize));
  const inputs = tensor2d(ids(), [batch, length], 'int32');
  const labels = tensor1d(ids(), 'int32');
  const constants = new DeviceConstants();
  const microBatch = {
    labels: labels.dataSync<'int32'>(),
    inputs: [],
    forward: (own: LanguageModel, [tokens]: readonly Tensor[]) => {
      const hidden = own.hidden(tokens as Tensor2D);
      return {rows: reshape(hidden, [batch * length, own.dModel]) as Tensor2D};
    },
  };
  const {result, peak} = withPeakBytes(() =>
    batchOutcome(model, [{microBatch, labels, inputs: [inputs]}], [], constants, {
      ...(activations === undefined ? {} : {activations}),
      logitRows: 0,
    }),
  );
  const found = {
    loss: result.loss.dataSync()[0],
    gradients: model
      .parameters()
      .map(({variable}) => Float32Array.from(result.gradients[variable.name].dataSync())),
    peak,
  };
  dispose([result.loss, result.accuracy, result.gradients, inputs, labels]);
  constants.dispose();
  expect(memory().numTensors, 'tensors left behind').to.equal(before);
  return found;
}

for (const backend of readableBackends) {
  describe(`activations in 16 bits, ${backend}`, function () {
    this.timeout(120_000);
    before(function () {
      return useReadableBackend(this, backend);
    });

    for (const [name, config] of Object.entries(models)) {
      it(`${name}: the same loss, gradients within the rounding, less memory`, () => {
        const model = LanguageModel.create(config);
        const whole = outcome(model);
        expect(outcome(model, 'float32').gradients).to.deep.equal(whole.gradients);
        for (const format of narrowFormats) {
          const found = outcome(model, format);
          expect(found.loss).to.equal(whole.loss);
          const error = relativeError(joined(found.gradients), joined(whole.gradients));
          expect(error, format).to.be.below(tolerances[format]);
          expect(error, 'nothing was rounded').to.be.above(0);
          expect(found.peak / whole.peak, 'peak').to.be.below(0.85);
        }
        model.model.dispose();
      });
    }

    it('packs nothing in blocks that are recomputed, of which one is at work', () => {
      const model = LanguageModel.create(models.bmojo, {recompute: true});
      const whole = outcome(model, 'float32');
      const found = outcome(model, 'float16');
      expect(found.peak).to.be.at.most(whole.peak);
      const error = relativeError(joined(found.gradients), joined(whole.gradients));
      expect(error).to.be.below(tolerances.float16);
      model.model.dispose();
    });

    it('gives operators the gradients of inputs that were rounded before, to the bit', () => {
      const random = randomStream([93, 2], 0);
      const drawn = (shape: number[]): Tensor =>
        tensor(
          Float32Array.from({length: shape.reduce((a, b) => a * b, 1)}, () => 4 * random.uniform() - 2),
          shape,
        );
      const [x, up] = [drawn([2, 5, 7]), drawn([2, 5, 7])];
      const [weight, kernel] = [drawn([7, 6]), drawn([3, 7])];
      const calls: Record<string, {inputs: Tensor[]; call: (inputs: Tensor[]) => Tensor}> = {
        linear: {
          inputs: [x, weight],
          call: ([a, w]) => linear(a as Tensor3D, w as Tensor2D),
        },
        swiglu: {inputs: [x, up], call: ([a, b]) => swiglu(a as Tensor3D, b as Tensor3D)},
        causalConv1d: {
          inputs: [x, kernel],
          call: ([a, w]) => causalConv1d({x: a as Tensor3D, weight: w as Tensor2D}, {activation: 'silu'}).y,
        },
      };
      for (const format of narrowFormats)
        for (const [name, {inputs, call}] of Object.entries(calls)) {
          tidy(() => {
            const rounded = inputs.map(one =>
              one.rank === 2
                ? one
                : reshape(widen(narrow(one, {format}), {format, columns: one.size}), one.shape),
            );
            const dy = drawn(call(inputs).shape);
            const expected = valueAndGradients(() => call(rounded), rounded, dy).grads;
            const found = withPacking(packingOf(format), () =>
              valueAndGradients(() => call(inputs), inputs, dy),
            ).grads;
            const numbers = (grads: Tensor[]) => grads.map(one => [...one.dataSync()]);
            expect(numbers(found), `${name}, ${format}`).to.deep.equal(numbers(expected));
          });
        }
      dispose([x, up, weight, kernel]);
    });
  });
}

describe('what is kept of activations', () => {
  before(function () {
    return useReadableBackend(this, 'wasm');
  });

  for (const format of activationFormats)
    it(`is one copy for all who keep it: ${format}`, () => {
      const x = tensor(new Float32Array(64 * 128).fill(0.5), [1, 64, 128]) as Tensor3D;
      const weights = [1, 2].map(one => tensor(new Float32Array(128).fill(one), [128, 1]) as Tensor2D);
      const dy = tensor(new Float32Array(64).fill(1), [1, 64, 1]);
      const before = memory().numDataBuffers;
      let kept = 0;
      const {grads, value} = withPacking(packingOf(format), () =>
        valueAndGradients(
          () => {
            const sum = tidy(() => {
              const own = mul(x, x) as Tensor3D;
              return add(linear(own, weights[0]), linear(own, weights[1]));
            });
            kept = memory().numDataBuffers - before;
            return sum;
          },
          weights,
          dy,
        ),
      );
      expect(kept, 'what both products keep, and the sum').to.equal(2);
      dispose([x, ...weights, dy, value, ...grads]);
    });

  it('stays finite beyond the largest of float16', () => {
    tidy(() => {
      const x = tensor([1e6, -1e9, 2, 65519], [1, 2, 2]) as Tensor3D;
      const weight = tensor([1, 2], [2, 1]) as Tensor2D;
      const dy = tensor([1, 1], [1, 2, 1]);
      const {grads} = withPacking(packingOf('float16'), () =>
        valueAndGradients(() => linear(x, weight), [weight], dy),
      );
      expect([...grads[0].dataSync()]).to.deep.equal([65504 + 2, -65504 + 65504]);
      const words = narrow(tensor1d([Number.NaN, Number.POSITIVE_INFINITY, 6e-8]), {format: 'float16'});
      const back = widen(words as Tensor1D, {format: 'float16', columns: 3}).dataSync();
      expect(back[0]).to.be.NaN;
      expect(back[1]).to.equal(Number.POSITIVE_INFINITY);
      expect(back[2]).to.equal(2 ** -24);
    });
  });
});

describe('activations on a backend that packs none', () => {
  it('stay in float32, and that is told once', async function () {
    await useReadableBackend(this, 'wasm');
    const name = kernelName({name: 'narrow'}, 'forward');
    const kernel = getKernel(name, 'wasm');
    unregisterKernel(name, 'wasm');
    try {
      const said = await warnings(async () => {
        for (const format of ['float16', 'bfloat16', 'float32'] as const)
          expect(packingOf(format)).to.equal(undefined);
      });
      expect(said).to.deep.equal([
        "bmojo: activations stay in float32: backend 'wasm' has no kernel that packs them as float16 here",
      ]);
    } finally {
      registerKernel(kernel);
    }
  });
});
