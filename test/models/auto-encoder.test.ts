// The auto-encoder and the head that is not tied.

import {memory, tensor2d, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {SettingError} from '../../config/schema.js';
import {useBackend} from '../../custom-ops/index.js';
import {createMadCompression} from '../../data/mad/compression.js';
import {evaluateRecall} from '../../eval/recall.js';
import {
  AutoEncoder,
  asLanguageModel,
  createSequenceModel,
  LanguageModel,
  parseModelConfig,
} from '../../models/index.js';
import {parameterShapes} from '../../models/parameters.js';
import {train} from '../../train/loop.js';
import {parseTrainSettings} from '../../train/settings.js';

const small = {vocabSize: 8, dModel: 16, heads: 2, window: 4, eideticSlots: 4, layers: 2, seed: 3} as const;

describe('auto-encoder', () => {
  before(() => useBackend('wasm'));

  it('rebuilds from the last position alone: what comes before matters only through it', async () => {
    // A window of one token in one layer and no SSM: the last vector is a function of the last token.
    const blind = AutoEncoder.create({...small, preset: 'swa', window: 1, layers: 1, eideticSlots: 0});
    const one = await blind.hidden(tensor2d([[1, 2, 3, 7]], undefined, 'int32')).data();
    const other = await blind.hidden(tensor2d([[4, 4, 0, 7]], undefined, 'int32')).data();
    expect([...one]).to.deep.equal([...other]);
    const places = Array.from({length: 4}, (_, i) => one.slice(16 * i, 16 * i + 16).join());
    expect(new Set(places).size, 'each position has a code of its own').to.equal(4);
    blind.model.dispose();
    const seeing = AutoEncoder.create({...small, preset: 'bmojo'});
    const first = await seeing.hidden(tensor2d([[1, 2, 3, 7]], undefined, 'int32')).data();
    const second = await seeing.hidden(tensor2d([[4, 2, 3, 7]], undefined, 'int32')).data();
    expect([...first]).not.to.deep.equal([...second]);
    seeing.model.dispose();
  });

  it('learns MAD compression, and leaks nothing', async () => {
    const task = createMadCompression({vocabSize: 8, length: 3});
    const model = AutoEncoder.create({...small, preset: 'bmojo', backbone: 'autoencoder'});
    const evaluate = () => evaluateRecall(model, task, {seed: 1, samples: 128, batch: 64});
    const untrained = await evaluate();
    const before = memory().numTensors;
    const settings = parseTrainSettings({steps: 250, batch: 32, rate: 1e-2, weightDecay: 0});
    for await (const event of train({model, task, settings})) expect(event.type).not.to.equal('stopped');
    expect(memory().numTensors).to.equal(before);
    const trained = await evaluate();
    expect(trained.accuracy).to.be.above(0.8).and.above(untrained.accuracy);
    model.model.dispose();
  });

  it('is no language model, and says so', () => {
    const model = createSequenceModel({...small, backbone: 'autoencoder'});
    expect(() => asLanguageModel(model)).to.throw(SettingError, 'got an auto-encoder');
    expect(() => createSequenceModel({...small, backbone: 'autoencoder'}, {recompute: true})).to.throw(
      SettingError,
      'recompute must be off',
    );
    model.model.dispose();
  });

  it('and models with a head of their own have the parameters that the formula tells', () => {
    for (const given of [
      {...small, backbone: 'autoencoder', mlp: true},
      {...small, tieHead: false},
    ] as const) {
      const model = createSequenceModel(given);
      const actual = model.parameters().map(({name, variable}) => ({name, shape: variable.shape}));
      expect(parameterShapes(parseModelConfig(given))).to.deep.equal(actual);
      model.model.dispose();
    }
  });

  it('an untied head gives the same logits in pieces as in one', async () => {
    const model = LanguageModel.create({...small, tieHead: false});
    const ids = [1, 5, 2, 6, 3, 7, 0, 1, 4, 2];
    const whole = await tidy(() =>
      model.logits(model.hidden(tensor2d([ids], undefined, 'int32')).reshape([10, 16])),
    ).data();
    const first = model.step(tensor2d([ids.slice(0, 6)], undefined, 'int32'), model.initialState(1));
    const rest = model.step(tensor2d([ids.slice(6)], undefined, 'int32'), first.state);
    const pieces = [...(await first.logits.data()), ...(await rest.logits.data())];
    pieces.forEach((value, i) => {
      expect(value).to.be.closeTo(whole[i], 1e-5);
    });
    model.model.dispose();
  });
});
