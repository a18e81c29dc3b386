// Dropout in models: in training alone, the same masks for the same seed, also where a block runs again for the gradient.

import * as tf from '@tensorflow/tfjs';
import type {Tensor, Tensor2D} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import type {KernelAttributes} from '../../custom-ops/kernel-call.js';
import {createModel, LanguageModel} from '../../models/index.js';

const config = {
  vocabSize: 13,
  dModel: 16,
  layers: 2,
  heads: 2,
  window: 4,
  eideticSlots: 3,
  stateSize: 4,
  mlp: true,
  dropout: 0.3,
} as const;
const length = 9;
const tokens = () =>
  tf.tensor2d([Array.from({length}, (_, i) => (5 * i) % 13)], undefined, 'int32') as Tensor2D;
const values = (x: Tensor): Float32Array => x.dataSync<'float32'>().slice();
const seeded = (...seed: [number, number]) => ({dropoutSeed: tf.tensor1d(seed, 'int32')});

describe('dropout in models', () => {
  before(() => useBackend('wasm'));

  it('is absent unless training is said, and differs from seed to seed', () => {
    const model = LanguageModel.create(config);
    const without = LanguageModel.create({...config, dropout: 0});
    tf.tidy(() => {
      const plain = values(model.hidden(tokens()));
      expect(plain).to.deep.equal(values(without.hidden(tokens())));
      expect(plain).to.deep.equal(values(without.hidden(tokens(), seeded(1, 1))));
      const dropped = values(model.hidden(tokens(), seeded(1, 1)));
      expect(dropped).to.not.deep.equal(plain);
      expect(values(model.hidden(tokens(), seeded(1, 1)))).to.deep.equal(dropped);
      expect(values(model.hidden(tokens(), seeded(1, 2)))).to.not.deep.equal(dropped);
      const carried = model.advance(tokens(), model.initialState(1), {training: seeded(1, 1)}).hidden;
      expect(values(carried)).to.deep.equal(dropped);
    });
    for (const one of [model, without]) one.model.dispose();
  });

  it('drops in the embedding and behind every mixer and MLP, each with a mask of its own', () => {
    const model = LanguageModel.create(config);
    const streams: unknown[] = [];
    const {engine} = tf;
    const run = engine().runKernel;
    engine().runKernel = (name, inputs, attrs) => {
      if (name === 'BMojoDropout') streams.push((attrs as unknown as KernelAttributes).attrs.stream);
      return run.call(engine(), name, inputs, attrs) as never;
    };
    try {
      tf.tidy(() => model.hidden(tokens(), seeded(1, 1)));
    } finally {
      engine().runKernel = run;
    }
    expect(streams).to.have.length(1 + 2 * config.layers);
    expect(new Set(streams).size).to.equal(streams.length);
    model.model.dispose();
  });

  it('makes the same masks again for recomputed blocks', () => {
    const model = createModel(config);
    const [kept, recomputed] = [false, true].map(recompute => {
      const language = new LanguageModel(model, {recompute});
      return tf.tidy(() => {
        const weights = language.parameters().map(({variable}) => variable);
        const {value, grads} = tf.variableGrads(
          () => language.hidden(tokens(), seeded(4, 7)).square().sum().asScalar(),
          weights,
        );
        return [value, ...weights.filter(({name}) => grads[name] != null).map(({name}) => grads[name])].map(
          values,
        );
      });
    });
    expect(kept.length).to.be.above(20);
    expect(recomputed).to.deep.equal(kept);
    model.dispose();
  });

  it('is saved with the model, acts in fit and not in predict', async () => {
    const model = createModel(config);
    let saved: tf.io.ModelArtifacts | undefined;
    await model.save(
      tf.io.withSaveHandler(async artifacts => {
        saved = artifacts;
        return {modelArtifactsInfo: {dateSaved: new Date(), modelTopologyType: 'JSON'}};
      }),
    );
    const again = (await tf.loadLayersModel(tf.io.fromMemory(saved!))) as tf.Sequential;
    const names = again.layers.filter(layer => layer.getConfig().dropout === 0.3).map(({name}) => name);
    expect(names).to.deep.equal(['embedding', 'block_0', 'mlp_0', 'block_1', 'mlp_1']);
    expect(new LanguageModel(again).config.dropout).to.equal(0.3);
    const ids = tokens();
    const predicted = [1, 2].map(() => tf.tidy(() => values(again.predict(ids) as Tensor)));
    expect(predicted[0]).to.deep.equal(predicted[1]);
    // At rate 0 the weights stay: what differs from step to step is the mask.
    again.compile({optimizer: tf.train.sgd(0), loss: (_, logits) => logits.square().mean().asScalar()});
    const {history} = await again.fit(ids, tf.zeros([1, length, 13]), {epochs: 3});
    expect(new Set(history.loss).size).to.equal(3);
    ids.dispose();
    model.dispose();
    again.dispose();
  });
});
