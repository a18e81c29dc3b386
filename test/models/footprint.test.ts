// The formulas of `bmojo model info` against the models themselves.

import type {Tensor} from '@tensorflow/tfjs-core';
import {dispose, engine, reshape, scalar, tensor1d, tensor2d} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {crossEntropy, useBackend} from '../../custom-ops/index.js';
import {valueAndGradients} from '../../custom-ops/value-and-gradients.js';
import type {ModelConfig} from '../../models/config.js';
import {parseModelConfig} from '../../models/config.js';
import {footprint, stateBytes} from '../../models/footprint.js';
import {drawnModel} from '../../models/half-model.js';
import {weightBytesOf} from '../../models/held-weights.js';
import {LanguageModel} from '../../models/language-model.js';
import {parameterCount, parameterShapes, withParameters} from '../../models/parameters.js';

const small = {vocabSize: 23, dModel: 24, layers: 2, heads: 4, stateSize: 4, window: 6, mlp: true} as const;
const models: Record<string, Partial<ModelConfig>> = {
  transformer: {...small, preset: 'transformer', window: 0},
  swa: {...small, preset: 'swa', kvHeads: 2},
  mamba: {...small, preset: 'mamba', mlp: false, expand: 3},
  mamba2: {...small, preset: 'mamba2', mlp: false, expand: 3},
  'groups of Mamba-2 beside a window': {
    ...small,
    ssmKind: 'mamba2',
    ssmHeadWidth: 6,
    ssmGroups: 2,
    gatedNormEpsilon: 0,
    projectionBias: true,
    eideticSlots: 3,
  },
  hybrid: {...small, preset: 'hybrid'},
  'bmojo-f': {...small, preset: 'bmojo-f', deltaRank: 5},
  bmojo: {...small, preset: 'bmojo', eideticSlots: 5, mlpWidth: 40},
  'bmojo-paper': {...small, preset: 'bmojo-paper', eideticSlots: 5, kvHeads: 2},
  dropout: {...small, preset: 'bmojo', dropout: 0.1},
  'SSM output added': {...small, ssmOutput: 'add', eideticSlots: 3},
  'SSM output gated': {...small, ssmOutput: 'gated', eideticSlots: 0},
  'SSM output projected': {...small, ssmOutput: 'projected', eideticSlots: 3},
  'window beside Mamba': {...small, ssmOutput: 'add', fading: 'none', eideticSlots: 0},
  storage: {...small, storage: 3, eideticSlots: 0},
  'storage, true positions, grouped': {
    ...small,
    storage: 2,
    kvHeads: 2,
    storagePositions: 'true',
    eideticSlots: 3,
  },
  'storage of what innovates': {...small, storage: 2, storageShare: 0.5, eideticSlots: 0, pattern: 'FR'},
  'memories behind gates': {...small, kvHeads: 2, eideticSlots: 3, memoryGate: true},
  untied: {...small, tieFading: false, eideticSlots: 3},
  'biases and norms': {
    ...small,
    eideticSlots: 3,
    attentionBias: 'all',
    qkNormEpsilon: 1e-6,
    projectionBias: true,
    ssmNormEpsilon: 1e-6,
    innerWidth: 40,
    mlpBias: true,
  },
  'short convolutions': {
    ...small,
    preset: 'transformer',
    window: 0,
    pattern: 'CA',
    tieHead: false,
    headBias: false,
  },
};

/** Bytes of the data that tensors made since `watch` began still hold; tf's own count takes shared data several times. */
class LiveBytes {
  private readonly made: Tensor[] = [];
  private readonly track = engine().trackTensor;

  constructor() {
    engine().trackTensor = (tensor, backend) => {
      this.made.push(tensor);
      this.track.call(engine(), tensor, backend);
    };
  }

  bytesBeside(others: readonly Tensor[]): number {
    const live = new Map(this.made.filter(one => !one.isDisposed).map(one => [one.dataId, 4 * one.size]));
    for (const {dataId} of others) live.delete(dataId);
    return [...live.values()].reduce((total, bytes) => total + bytes, 0);
  }

  end(): void {
    engine().trackTensor = this.track;
  }
}

/** Bytes that live at the end of the forward pass and belong to it. */
function measuredActivations(model: LanguageModel, batch: number, context: number): number {
  const live = new LiveBytes();
  const weights = model.parameters().map(parameter => parameter.variable);
  let held = 0;
  const {value, grads} = valueAndGradients(
    () => {
      const ids = tensor2d(new Int32Array(batch * context), [batch, context], 'int32');
      const hidden = model.hidden(ids, {dropoutSeed: tensor1d([1, 2], 'int32')});
      const logits = model.logits(reshape(hidden, [batch * context, hidden.shape[2]]));
      const loss = crossEntropy(logits, tensor1d(new Int32Array(batch * context), 'int32'));
      held = live.bytesBeside(weights);
      return loss;
    },
    weights,
    scalar(1),
  );
  live.end();
  dispose([value, ...grads]);
  return held;
}

describe('footprint', () => {
  before(() => useBackend('wasm'));

  for (const [name, given] of Object.entries(models)) {
    it(`${name}: parameters, weights in memory, state and activations are what the model has`, () => {
      const config = parseModelConfig(given);
      const model = LanguageModel.create(config);
      const shapes = model
        .parameters()
        .map(parameter => ({name: parameter.name, shape: parameter.variable.shape}));
      expect(parameterShapes(config)).to.deep.equal(shapes);
      expect(parameterCount(config)).to.equal(model.parameterCount());
      const {weights, weightsInHalves} = footprint(config, {context: 16, batch: 1});
      expect(weights).to.equal(weightBytesOf(model.model));
      const {model: half} = drawnModel(config, 'bfloat16');
      expect(weightsInHalves).to.equal(weightBytesOf(half));
      half.dispose();
      for (const length of [1, 5, 13, 100])
        expect(stateBytes(config, length)).to.equal(model.stateBytes(length));
      for (const [batch, context] of [
        [1, 16],
        [3, 70],
      ]) {
        const measured = measuredActivations(model, batch, context);
        const {activations} = footprint(config, {context, batch});
        expect(activations / measured, `${activations} bytes by formula, ${measured} measured`).to.be.closeTo(
          1,
          0.005,
        );
      }
      model.model.dispose();
    });
  }

  it('counts matrices in words of two halves, each row in words of its own', () => {
    const config = parseModelConfig({preset: 'transformer', vocabSize: 10, dModel: 6, layers: 1, heads: 1});
    // Table and four projections, and two norms.
    const numbers = 10 * 6 + 4 * 6 * 6 + 2 * 6;
    const words = 10 * 3 + 4 * 6 * 3 + 2 * 6;
    const counted = footprint(config, {context: 16, batch: 1});
    expect(counted).to.include({parameters: numbers, weights: 4 * numbers, weightsInHalves: 4 * words});
    // Rows of 2 + 2 * 4 + 3 numbers.
    const odd = parseModelConfig({preset: 'mamba', vocabSize: 10, dModel: 6, layers: 1, stateSize: 4});
    const rows = (deltaRank: number): number =>
      footprint({...odd, deltaRank}, {context: 16, batch: 1}).weightsInHalves;
    // x_proj has 12 rows of one number more and dt_proj a row of 12: the first are in the word that the last number before left half.
    expect([rows(3) - rows(2), rows(4) - rows(3)]).to.deep.equal([4 * (12 + 6), 4 * (0 + 6)]);
  });

  it('chooses the width of the MLP for a number of parameters', () => {
    for (const preset of ['transformer', 'mamba', 'hybrid', 'bmojo-f', 'bmojo'] as const) {
      const wide = parseModelConfig({preset, vocabSize: 65, dModel: 128, layers: 4, heads: 4, mlp: true});
      expect(parameterCount(withParameters(wide, 820_000)) / 820_000, preset).to.be.closeTo(1, 0.01);
    }
    const config = parseModelConfig({vocabSize: 65, dModel: 128, layers: 4, heads: 4, mlp: true});
    expect(() => withParameters(config, 100_000)).to.throw('at least');
    expect(() => withParameters({...config, mlp: false}, 1e6)).to.throw('only models with mlp');
  });
});
