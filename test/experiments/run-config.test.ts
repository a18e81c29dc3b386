import {expect} from 'chai';
import {onlyOptions} from '../../cli/command-line.js';
import {SettingError} from '../../config/schema.js';
import {differences, parseConfigText, parseRunConfig} from '../../experiments/run-config.js';
import {trainSchema} from '../../train/settings.js';

describe('run configuration', () => {
  it('completes every section and takes the vocabulary from the task', () => {
    const config = parseRunConfig('mqar', {data: {vocabSize: 64, pairs: 4}, train: {steps: 10}});
    expect(config.model.vocabSize).to.equal(64);
    expect(config.train).to.include({steps: 10, warmup: 0.05});
    expect(config.backend).to.equal('wasm');
    const {task, ...rest} = JSON.parse(JSON.stringify(config));
    expect(parseRunConfig(task, rest), 'config.json describes the same run').to.deep.equal(config);
  });

  it('has one seed, as shown: samples and initial weights', () => {
    const shown = trainSchema.seed.default;
    expect(parseRunConfig('mqar', {}).train.seed).to.equal(shown);
    expect(parseRunConfig('mqar', {}).model.seed).to.equal(shown);
    expect(parseRunConfig('mqar', {train: {seed: 7}}).model.seed).to.equal(7);
    expect(parseRunConfig('mqar', {train: {seed: 7}, model: {seed: 0}}).model.seed, 'a config file').to.equal(
      0,
    );
  });

  it('refuses unknown settings, tasks and sections with a suggestion', () => {
    expect(() => parseRunConfig('mqra', {})).to.throw(SettingError, "did you mean 'mqar'?");
    expect(() => parseRunConfig('mqar', {train: {stepz: 3}})).to.throw(SettingError, "did you mean 'steps'?");
    expect(() => parseRunConfig('mqar', {model: {windwo: 3}})).to.throw(
      SettingError,
      "did you mean 'window'?",
    );
    expect(() => parseRunConfig('mqar', {backend: 'wsam'})).to.throw(SettingError, 'backend must be one of');
    expect(() => parseRunConfig('mqar', {train: {batch: 6, accumulate: 4}})).to.throw(
      SettingError,
      'multiple of',
    );
    expect(() => parseRunConfig('mqar', {train: {rate: null}})).to.throw(SettingError, 'got null');
    expect(parseRunConfig('mqar', {train: {clip: undefined}}).train.clip).to.equal(trainSchema.clip.default);
    expect(() => parseConfigText('a.json', '{"trian": {}}')).to.throw(
      SettingError,
      "unknown section 'trian'",
    );
    expect(() => parseConfigText('a.json', `{"model${'['.repeat(9999)}": {}}`)).to.throw(
      SettingError,
      /^.{0,200}$/,
    );
    expect(() => parseConfigText('a.json', '[1]')).to.throw(SettingError, 'must be an object');
    expect(() => parseConfigText('a.json', '{"data": 3}')).to.throw(
      SettingError,
      'data must be an object, got 3',
    );
    expect(() => parseConfigText('a.json', '{')).to.throw(SettingError, 'a.json: must be JSON');
  });

  it('tells runs apart by settings too long to be shown', () => {
    const withLast = (window: number) =>
      parseRunConfig('mqar', {
        model: {plan: [...Array.from({length: 9}, () => ({shortConv: true})), {mixer: {window}}]},
      });
    expect(differences(withLast(8), withLast(8))).to.deep.equal([]);
    expect(differences(withLast(8), withLast(16))).to.deep.equal(['model plan is another there']);
    const ending = (letters: string) =>
      parseRunConfig('mqar', {model: {layers: 142, pattern: `${'SA'.repeat(70)}${letters}`}});
    expect(differences(ending('SA'), ending('AS'))).to.deep.equal(['model pattern is another there']);
    const without = parseRunConfig('mqar', {model: {layers: 10}});
    expect(differences(withLast(8), without)).to.have.length(1);
    expect(differences(without, withLast(8))[0]).to.match(/^model plan is not given there, .* here$/);
  });

  it('refuses unknown options with the nearest one', () => {
    expect(() => onlyOptions({'d-model': {}, steps: {}})({dmodel: 1})).to.throw('did you mean --d-model?');
    expect(() =>
      onlyOptions({'d-model': {}}, 'file')({'d-model': 1, dModel: 1, file: 'a', _: [], $0: ''}),
    ).to.not.throw();
  });
});
