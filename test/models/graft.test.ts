// Memories grafted onto models: at first the same model with a window, bit for bit, then one that learns to use them.

import type {Tensor2D} from '@tensorflow/tfjs-core';
import {dispose, memory, reshape, tensor1d, tensor2d, tidy, variableGrads} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {SettingError} from '../../config/schema.js';
import {crossEntropy, useBackend} from '../../custom-ops/index.js';
import type {GraftOptions, ModelConfig} from '../../models/index.js';
import {
  disposeModelState,
  graft,
  LanguageModel,
  layerPlan,
  modelInMemory,
  withMemory,
  writePretrained,
} from '../../models/index.js';
import {fromPretrained} from '../../models/node.js';
import {AdamWOptimizer, parseTrainSettings} from '../../train/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {expectClose} from '../support/error.js';
import {goldenModels, wholeLogits} from '../support/golden-models.js';
import {stepInPlace} from '../support/in-place-step.js';

const WINDOW = 5;
const small: Partial<ModelConfig> = {vocabSize: 40, dModel: 16, layers: 2, heads: 2, stateSize: 4, seed: 5};
/** Two texts of a simple rule: each token is the one of eleven places before, plus one. */
const text = [0, 1].map(row =>
  Array.from({length: 33}, (_, i) => (7 * (i % 11) * (row + 1) + Math.floor(i / 11)) % 40),
);

function golden(name: string) {
  const found = goldenModels.find(one => one.name === name);
  if (found === undefined) throw new Error(`there is no golden model ${name}`);
  return found;
}

async function stepLogits(model: LanguageModel, ids: readonly (readonly number[])[]): Promise<number[]> {
  let state = model.initialState(ids.length);
  const all: number[] = [];
  for (let at = 0; at < ids[0].length; at++) {
    const tokens = tensor2d(
      ids.map(row => row[at]),
      [ids.length, 1],
      'int32',
    );
    const {logits, state: next} = model.step(tokens, state);
    disposeModelState(state);
    state = next;
    all.push(...(await logits.data()));
    dispose([tokens, logits]);
  }
  disposeModelState(state);
  return all;
}

/** Losses of a few steps of training on the text. */
function trained(model: LanguageModel, steps: number): number[] {
  const parameters = model.parameters();
  const optimizer = new AdamWOptimizer(parameters, parseTrainSettings({}));
  const labels = text.flatMap(row => [...row.slice(1), -100]);
  const losses: number[] = [];
  for (let step = 1; step <= steps; step++) {
    const {value, grads} = variableGrads(
      () =>
        tidy(() => {
          const hidden = model.hidden(tensor2d(text, undefined, 'int32'));
          const rows = reshape(hidden, [labels.length, model.dModel]) as Tensor2D;
          return crossEntropy(model.logits(rows), tensor1d(labels, 'int32')).mean().asScalar();
        }),
      parameters.map(({variable}) => variable),
    );
    losses.push(value.dataSync()[0]);
    optimizer.apply(grads, 0.01, step).dispose();
    dispose([value, ...Object.values(grads)]);
  }
  optimizer.dispose();
  return losses;
}

for (const backend of readableBackends) {
  describe(`grafting on ${backend}`, () => {
    before(async function () {
      await useReadableBackend(this, backend);
    });

    for (const [name, options] of [
      ['llama', {eideticSlots: 4}],
      ['qwen3', {fading: 'chunk', fadingTokens: 3, eideticSlots: 0}],
      ['qwen3', {layers: [1], ssmKind: 'mamba2', stateSize: 8}],
    ] as [string, GraftOptions][])
      it(`${name} with ${JSON.stringify(options)}: starts as the model with this window, bit for bit`, async () => {
        const {ids, folder} = golden(name);
        const {model} = await fromPretrained(folder);
        const count = model.config.layers;
        const plan = Array.from({length: count}, (_, i) =>
          options.layers?.includes(i) === false ? {} : {mixer: {window: WINDOW}},
        );
        const alone = LanguageModel.create({...model.config, plan});
        alone.model.setWeights(model.model.getWeights());
        const before = await wholeLogits(model, ids);
        const {model: grafted, layers} = graft(model, {window: WINDOW, ...options});
        expect(layers).to.deep.equal(options.layers ?? Array.from({length: count}, (_, i) => i));
        expect([...(await wholeLogits(grafted, ids))]).to.deep.equal([...(await wholeLogits(alone, ids))]);
        expect(await stepLogits(grafted, ids)).to.deep.equal(await stepLogits(alone, ids));
        expect([...(await wholeLogits(grafted, ids))]).to.not.deep.equal([...before]);
        stepInPlace(grafted);
        expect([...(await wholeLogits(model, ids))]).to.deep.equal([...before]);
        for (const one of [grafted, alone, model]) one.model.dispose();
      });

    it('falcon-h1: fading tokens are those of the SSM beside the attention, which stays', async () => {
      const {ids, folder} = golden('falcon-h1');
      const {model} = await fromPretrained(folder);
      const {model: grafted} = graft(model, {window: WINDOW, eideticSlots: 4});
      const names = model.parameters().map(one => one.name);
      const added = grafted.parameters().filter(({name}) => !names.includes(name));
      expect(added.map(({name}) => name.split('/')[1])).to.deep.equal(
        Array.from({length: model.config.layers}, () => 'memory_gate'),
      );
      const alone = withMemory(model, {window: WINDOW});
      expect([...(await wholeLogits(grafted, ids))]).to.deep.equal([...(await wholeLogits(alone, ids))]);
      for (const one of [grafted, alone, model]) one.model.dispose();
    });

    it('granite-hybrid: the SSM of the nearest layer is copied, or one of its own made', async () => {
      const {folder, ids} = golden('granite-hybrid');
      const {model} = await fromPretrained(folder);
      const attends = layerPlan(model.config).findIndex(({mixer}) => mixer.attention);
      const {model: grafted, layers} = graft(model, {window: WINDOW, ssm: 'nearest', eideticSlots: 3});
      expect(layers[0]).to.equal(attends);
      const numbers = (of: LanguageModel, name: string): number[] => {
        const found = of.parameters().find(one => one.name === name);
        return found === undefined ? [] : [...found.variable.dataSync()];
      };
      const donor = [attends - 1, attends + 1].find(i => layerPlan(model.config)[i]?.mixer.ssm);
      expect(numbers(grafted, `block_${attends}/ssm.in_proj`)).to.deep.equal(
        numbers(model, `block_${donor}/ssm.in_proj`),
      );
      expect(numbers(grafted, `block_${attends}/ssm.in_proj`)).to.have.length.above(0);
      expect(Array.from(await wholeLogits(grafted, ids)).every(Number.isFinite)).to.equal(true);
      grafted.model.dispose();
      model.model.dispose();
    });

    // The definitions on the cpu backend take seconds for a training.
    if (backend === 'cpu') return;
    it('a model trained here: starts as its window alone, learns on, its gates open; it leaves and comes back', async () => {
      const tensors = memory().numTensors;
      const model = LanguageModel.create({...small, preset: 'transformer', mlp: true});
      const [first, ...rest] = trained(model, 30);
      expect(rest.at(-1)).to.be.below(first / 2);
      const alone = withMemory(model, {window: WINDOW});
      const {model: grafted} = graft(model, {window: WINDOW, eideticSlots: 8, stateSize: 4});
      expect([...(await wholeLogits(grafted, text))]).to.deep.equal([...(await wholeLogits(alone, text))]);
      const losses = trained(grafted, 25);
      const windowed = trained(alone, 1);
      expect(losses[0]).to.be.closeTo(windowed[0], 1e-6);
      expect(losses.at(-1)).to.be.below(losses[0] / 2);
      const gates = grafted
        .parameters()
        .filter(({name}) => name.endsWith('memory_gate'))
        .flatMap(({variable}) => [...variable.dataSync()]);
      expect(gates).to.have.lengthOf(4).and.to.not.include(0);
      expect(Math.max(...gates.map(Math.abs))).to.be.above(0.02);
      const store = modelInMemory();
      expect((await writePretrained(store, {model: grafted})).modelType).to.equal('bmojo');
      const {model: again} = await fromPretrained(store);
      expectClose(await wholeLogits(again, text), await wholeLogits(grafted, text), 0, 'read again');
      for (const one of [model, alone, grafted, again]) one.model.dispose();
      expect(memory().numTensors, 'tensors left behind').to.be.at.most(tensors + 8);
    });
  });
}

describe('graft refuses', () => {
  before(() => useBackend('cpu'));
  const refused = (config: Partial<ModelConfig>, options: GraftOptions, words: RegExp): void => {
    const model = LanguageModel.create({...small, ...config});
    const before = memory().numTensors;
    expect(() => graft(model, options)).to.throw(SettingError, words);
    expect(memory().numTensors).to.equal(before);
    model.model.dispose();
  };

  it('a window of 0 on layers that attend to all of the past', () => {
    refused({preset: 'transformer'}, {}, /window must be at least 1, since layer 0/);
  });

  it('layers without attention, with memories already, or that are none', () => {
    refused({preset: 'hybrid', layers: 4}, {layers: [0]}, /here 1, 3, got 0/);
    refused({preset: 'bmojo'}, {}, /this model has none/);
    refused({preset: 'swa'}, {layers: [3]}, /here 0, 1, got 3/);
    refused({preset: 'swa', storage: 2}, {layers: [1]}, /here 0, got 1/);
  });

  it('to copy an SSM that there is not, or to make the copied one another', () => {
    refused({preset: 'swa'}, {ssm: 'nearest'}, /ssm must be 'new' for a model without an SSM/);
    refused({preset: 'hybrid', layers: 2}, {ssm: 'nearest', stateSize: 8}, /stateSize comes with the SSM/);
  });
});
