// Configuration, presets, decoding and the files of whole models.

import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {
  createModel,
  disposeModelState,
  LanguageModel,
  parseModelConfig,
  presetNames,
} from '../../models/index.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {expectClose} from '../support/error.js';

const small = {
  vocabSize: 23,
  dModel: 16,
  layers: 2,
  heads: 2,
  window: 6,
  eideticSlots: 5,
  stateSize: 4,
} as const;

function settings(preset: (typeof presetNames)[number]) {
  const {window, eideticSlots, ...rest} = small;
  const hasSlots = preset === 'bmojo' || preset === 'bmojo-paper';
  return {
    ...rest,
    preset,
    ...(preset === 'transformer' ? {} : {window}),
    ...(hasSlots ? {eideticSlots} : {}),
  };
}

describe('model configuration', () => {
  before(() => tf.ready());

  it('completes settings from the preset and the schema', () => {
    const config = parseModelConfig({preset: 'bmojo-f', dModel: 32});
    expect(config).to.include({preset: 'bmojo-f', dModel: 32, eideticSlots: 0, fading: 'sliding', ssm: true});
  });

  it('suggests a name for an unknown setting', () => {
    const misspelt: object = {dmodel: 32};
    expect(() => parseModelConfig(misspelt)).to.throw(
      "model: unknown setting 'dmodel'; did you mean 'dModel'?",
    );
  });

  it('refuses values out of range and contradictions', () => {
    expect(() => parseModelConfig({layers: 0})).to.throw(
      'model: layers must be an integer in [1, 1024], got 0',
    );
    expect(() => parseModelConfig({dModel: Number.NaN})).to.throw(/dModel must be an integer/);
    expect(() => createModel({preset: 'swa', eideticSlots: 4})).to.throw(
      /eideticSlots must be 0 without ssm/,
    );
    expect(() => createModel({preset: 'hybrid', layers: 3})).to.throw(/layers must be even/);
    expect(() => createModel({dModel: 30, heads: 4})).to.throw(/heads must divide D = 30/);
  });
});

for (const backend of readableBackends) {
  describe(`models on ${backend}`, () => {
    let tokens: tf.Tensor2D;
    const made: tf.Tensor[] = []; // none where the backend is missing: after runs all the same
    before(async function () {
      await useReadableBackend(this, backend);
      tokens = tf.tensor2d(
        Array.from({length: 2 * 31}, (_, i) => (i * i + 3 * i) % 23),
        [2, 31],
        'int32',
      );
      made.push(tokens);
    });
    after(() => tf.dispose(made));

    for (const preset of presetNames) {
      it(`${preset}: predict, hidden + logits and token by token agree`, () => {
        const language = LanguageModel.create(settings(preset));
        tf.tidy(() => {
          const whole = language.model.predict(tokens) as tf.Tensor3D;
          expect(whole.shape).to.deep.equal([2, 31, 23]);
          const rows = language.logits(language.hidden(tokens).reshape([62, 16]));
          expectClose(rows.dataSync(), whole.dataSync(), 1e-6, 'hidden and logits');
          let state = language.initialState(2);
          const steps: tf.Tensor[] = [];
          for (let t = 0; t < 31; t++) {
            const result = language.step(tokens.slice([0, t], [2, 1]), state);
            disposeModelState(state);
            state = result.state;
            steps.push(result.logits);
          }
          expectClose(tf.concat(steps, 1).dataSync(), whole.dataSync(), 1e-5, 'step by step');
        });
        language.model.dispose();
      });

      it(`${preset}: saved files load to the same model`, async () => {
        const language = LanguageModel.create(settings(preset));
        let files: tf.io.ModelArtifacts = {};
        await language.model.save(
          tf.io.withSaveHandler(async artifacts => {
            files = artifacts;
            return {modelArtifactsInfo: {dateSaved: new Date(0), modelTopologyType: 'JSON'}};
          }),
        );
        const loaded = new LanguageModel(await tf.loadLayersModel(tf.io.fromMemory(files)));
        expect(loaded.config).to.deep.equal(language.config);
        expect(loaded.parameters().map(p => p.name)).to.deep.equal(language.parameters().map(p => p.name));
        const values = (m: LanguageModel): number[] =>
          tf.tidy(() => [...(m.model.predict(tokens) as tf.Tensor).dataSync()]);
        expect(values(loaded)).to.deep.equal(values(language));
        loaded.model.dispose();
        language.model.dispose();
      });
    }

    it('has no room before the first token, where there is no memory', () => {
      const language = LanguageModel.create({...settings('transformer'), eideticSlots: 0});
      tf.tidy(() => {
        const first = tokens.slice([0, 0], [2, 1]);
        const begun = language.initialState(2);
        const roomy = language.step(first, language.withRoom(begun, 64));
        expect(roomy.logits.dataSync()).to.deep.equal(language.step(first, begun).logits.dataSync());
        expect(language.withRoom(roomy.state, 64).room).to.equal(64);
      });
      language.model.dispose();
    });

    it('same seed, same weights; other seed, other weights', () => {
      const first = (seed: number): number[] => {
        const language = LanguageModel.create({...settings('bmojo'), seed});
        const values = language.parameters().flatMap(({variable}) => [...variable.dataSync()]);
        language.model.dispose();
        return values;
      };
      expect(first(1)).to.deep.equal(first(1));
      expect(first(1)).to.not.deep.equal(first(2));
    });
  });
}
