// Layer plans: patterns, lists of settings, and the flag that patterns replaced.

import * as tf from '@tensorflow/tfjs';
import {expect} from 'chai';
import {SettingError} from '../../config/schema.js';
import {useBackend} from '../../custom-ops/index.js';
import {disposeModelState, LanguageModel, layerPlan, parseModelConfig} from '../../models/index.js';
import {parameterShapes} from '../../models/parameters.js';
import {expectClose} from '../support/error.js';

const small = {vocabSize: 23, dModel: 16, heads: 2, window: 6, eideticSlots: 5, stateSize: 4} as const;

const memories = (config: Parameters<typeof parseModelConfig>[0]): string[] =>
  layerPlan(parseModelConfig(config)).map(({mixer: {attention, ssm, window, eideticSlots}}) =>
    [ssm ? 'ssm' : '', attention ? `window ${window}` : '', eideticSlots > 0 ? 'slots' : '']
      .filter(word => word !== '')
      .join(' '),
  );

function logits(model: LanguageModel, ids: tf.Tensor2D): Float32Array {
  return tf.tidy(() => (model.model.predict(ids) as tf.Tensor).dataSync<'float32'>().slice());
}

describe('layer plan', () => {
  const ids = () =>
    tf.tensor2d(
      Array.from({length: 2 * 31}, (_, i) => (i * i + 3 * i) % 23),
      [2, 31],
      'int32',
    );
  before(() => useBackend('wasm'));

  it('repeats a pattern over the layers', () => {
    expect(memories({...small, layers: 8, pattern: 'SSSA'})).to.deep.equal(
      [0, 0, 0, 1, 0, 0, 0, 1].map(isAttention => (isAttention ? 'window 6' : 'ssm')),
    );
    expect(memories({...small, layers: 5, pattern: 'BFSAT'})).to.deep.equal([
      'ssm window 6 slots',
      'ssm window 6',
      'ssm',
      'window 6',
      'window 0',
    ]);
  });

  it('refuses storage that no layer would retrieve from', () => {
    const plan = [{}, {shortConv: true}];
    expect(() => parseModelConfig({...small, storage: 4, plan})).to.throw(
      SettingError,
      'storage must be 0 where no layer retrieves',
    );
    const [first] = layerPlan(
      parseModelConfig({...small, storage: 4, plan: [{mixer: {storage: 4}}, plan[1]]}),
    );
    expect(first.mixer.storage).to.equal(4);
    expect(parseModelConfig({...small, plan}).storage).to.equal(0);
  });

  it('is written as the flag of version 0.1.0, too', () => {
    const old: object = {...small, layers: 4, alternate: true};
    expect(parseModelConfig(old)).to.deep.equal(parseModelConfig({...small, layers: 4, pattern: 'SA'}));
    const hybrid = parseModelConfig({preset: 'hybrid', layers: 4});
    expect(parseModelConfig({preset: 'hybrid', layers: 4, ...{alternate: true}})).to.deep.equal(hybrid);
    expect(() => parseModelConfig({...old, pattern: 'S'})).to.throw(SettingError, 'old name of pattern SA');
  });

  it('gives single layers settings of their own, and the same model as the pattern that says the same', () => {
    const attention = {ssm: false, fading: 'none', eideticSlots: 0} as const;
    const ssm = {attention: false, fading: 'none', eideticSlots: 0} as const;
    const listed = LanguageModel.create({...small, seed: 3, plan: [{mixer: ssm}, {mixer: attention}]});
    const patterned = LanguageModel.create({...small, seed: 3, layers: 2, pattern: 'SA'});
    const tokens = ids();
    expect(listed.config.layers).to.equal(2);
    expect(logits(listed, tokens)).to.deep.equal(logits(patterned, tokens));
    tokens.dispose();
    for (const {model} of [listed, patterned]) model.dispose();
  });

  it('has storage in the last layer, or where the pattern or the plan says', () => {
    const rows = (given: Parameters<typeof parseModelConfig>[0]): number[] =>
      layerPlan(parseModelConfig({...small, layers: 4, ...given})).map(({mixer}) => mixer.storage);
    expect(rows({storage: 3})).to.deep.equal([0, 0, 0, 3]);
    expect(rows({storage: 3, pattern: 'FR'})).to.deep.equal([0, 3, 0, 3]);
    expect(rows({storage: 3, pattern: 'R'})).to.deep.equal([3, 3, 3, 3]);
    expect(rows({storage: 3, plan: [{mixer: {storage: 5}}, {}, {}, {mixer: {storage: 0}}]})).to.deep.equal([
      5, 0, 0, 0,
    ]);
    expect(() => rows({storage: 3, pattern: 'FB'})).to.throw(SettingError, 'must have a letter R');
    expect(() => rows({pattern: 'FR'})).to.throw(SettingError, 'storage must be at least 1 for the letter R');
    expect(() => LanguageModel.create({...small, preset: 'mamba', eideticSlots: 0, storage: 3})).to.throw(
      SettingError,
      'storage must be 0 without attention',
    );
  });

  it('takes the settings of all layers for those that an entry gives as undefined', () => {
    const given = {...small, window: 3, mlp: false};
    const none = [{mlp: undefined, mixer: {window: undefined}}, {mixer: undefined}];
    const plain = parseModelConfig({...given, layers: 2});
    expect(layerPlan(parseModelConfig({...given, plan: none}))).to.deep.equal(layerPlan(plain));
  });

  it("lets the SSM's output reach single layers' outputs", () => {
    const outputs = (given: Parameters<typeof parseModelConfig>[0]): string[] =>
      layerPlan(parseModelConfig({...small, layers: 4, ...given})).map(({mixer}) => mixer.ssmOutput);
    expect(outputs({pattern: 'PPPB'})).to.deep.equal(['add', 'add', 'add', 'none']);
    expect(outputs({pattern: 'PBSA', ssmOutput: 'gated'})).to.deep.equal(['add', 'gated', 'none', 'none']);
    const listed = LanguageModel.create({...small, plan: [{mixer: {ssmOutput: 'add'}}, {}]});
    const patterned = LanguageModel.create({...small, layers: 2, pattern: 'PB'});
    const plain = LanguageModel.create({...small, layers: 2});
    const tokens = ids();
    expect(logits(listed, tokens)).to.deep.equal(logits(patterned, tokens));
    expect(logits(plain, tokens)).to.not.deep.equal(logits(patterned, tokens));
    tokens.dispose();
    for (const {model} of [listed, patterned, plain]) model.dispose();
  });

  it('of layers that differ in everything: whole and token by token agree, files carry it, sizes are declared', async () => {
    const config = {
      ...small,
      mlp: true,
      plan: [
        {mixer: {window: 4, rotaryBase: 100}, mlp: false},
        {mixer: {window: 7, eideticSlots: 2, headWidth: 6}, mlpWidth: 24, normEpsilon: 1e-3},
        {mixer: {attention: false, fading: 'none', eideticSlots: 0}, dropout: 0.2},
        {mixer: {ssm: false, fading: 'none', eideticSlots: 0, window: 0, heads: 4}},
      ],
    } as const;
    const model = LanguageModel.create(config);
    const tokens = ids();
    const whole = logits(model, tokens);
    expect(parameterShapes(model.config)).to.deep.equal(
      model.parameters().map(({name, variable}) => ({name, shape: variable.shape})),
    );
    expect(model.parameters().map(({name}) => name))
      .to.include('mlp_1/gate_proj')
      .and.not.include('mlp_0/norm');
    let state = model.initialState(2);
    const steps = Array.from({length: 31}, (_, t) => {
      const {logits: next, state: after} = model.step(tokens.slice([0, t], [2, 1]), state);
      disposeModelState(state);
      state = after;
      return next;
    });
    const stepped = tf.concat(steps, 1);
    expectClose(stepped.dataSync(), whole, 1e-5, 'step by step');
    disposeModelState(state);
    let saved: tf.io.ModelArtifacts = {};
    await model.model.save(
      tf.io.withSaveHandler(async artifacts => {
        saved = artifacts;
        return {modelArtifactsInfo: {dateSaved: new Date(0), modelTopologyType: 'JSON'}};
      }),
    );
    const again = new LanguageModel(await tf.loadLayersModel(tf.io.fromMemory(saved)));
    expect(again.config).to.deep.equal(model.config);
    expect(logits(again, tokens)).to.deep.equal(whole);
    tf.dispose([tokens, stepped, ...steps]);
    for (const one of [model, again]) one.model.dispose();
  });

  it('refuses what is no plan, in words', () => {
    for (const [given, words] of [
      [{pattern: 'SX'}, 'made of the letters B (all memories of the settings), F'],
      [
        {pattern: 'SSSA', layers: 6},
        'layers must be a multiple of 4 for pattern SSSA, which is repeated over them, got 6',
      ],
      [{plan: []}, 'plan must be a list of settings, one entry a layer, got []'],
      [{plan: [{}], layers: 2}, 'layers must be 1, as many as the plan has entries, got 2'],
      [
        {plan: [{}, {mixer: {windwo: 3}}]},
        "model: plan[1].mixer: unknown setting 'windwo'; did you mean 'window'?",
      ],
      [{plan: [{mlp: 3}]}, 'model: plan[0]: mlp must be true or false, got 3'],
      [{plan: [[]]}, 'plan must be a list of settings, one entry a layer, got [[]]'],
      [{plan: [{}, {mixer: null}]}, 'model: plan[1]: mixer must be an object of settings, got null'],
      [{plan: [{mixer: 5}]}, 'model: plan[0]: mixer must be an object of settings, got 5'],
    ] as [object, string][]) {
      expect(() => parseModelConfig(given), words).to.throw(SettingError, words);
    }
  });
});
