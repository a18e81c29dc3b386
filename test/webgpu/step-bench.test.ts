// What bench step measures of a step of language modelling on random ids, which needs no corpus.

import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {openRandomText, randomTextConfig, randomTokens} from '../../bench/random-text.js';
import {profileStep} from '../../bench/step.js';
import {SettingError} from '../../config/schema.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

const given = {
  backend: 'webgpu',
  data: {context: 16},
  model: {preset: 'mamba', layers: 1, dModel: 16, stateSize: 4, mlp: false},
  train: {batch: 2},
};

describe('a step on random ids', function () {
  this.timeout(300_000);

  it('has ids below the vocabulary, all of them possible, of the seed alone', () => {
    const tokens = randomTokens(11, 2000, 3);
    const ids = tokens.read(0, tokens.count);
    expect([...new Set(ids)].sort((a, b) => a - b)).to.deep.equal(Array.from({length: 11}, (_, id) => id));
    expect(randomTokens(11, 2000, 3).read(0, 2000)).to.deep.equal(ids);
    expect(randomTokens(11, 2000, 4).read(0, 2000)).to.not.deep.equal(ids);
  });

  it('refuses data that are named too', () => {
    const both = (): unknown => randomTextConfig(30, {...given, data: {data: 'runs/data/shakespeare'}});
    expect(both).to.throw(SettingError, /--vocabulary takes random ids in place of --data/);
  });

  it('is captured, and says its tokens a second and the memory that it holds', async function () {
    await useWebGPUOrSkip(this);
    const before = memory().numTensors;
    const config = randomTextConfig(30, given);
    expect(config.model.vocabSize).to.equal(30);
    const profile = await profileStep(config, {open: openRandomText, seconds: 0.01, kernels: false});
    expect(profile).to.not.have.any.keys('kernels', 'deviceMs');
    expect(profile.dispatches).to.be.above(50);
    expect(profile.tokensPerSecond).to.be.closeTo(32 * profile.stepsPerSecond, 1e-6);
    // Weights, gradients and both moments.
    expect(profile.peakBytes).to.be.above(4 * 4 * profile.parameters);
    expect(memory().numTensors).to.equal(before);
  });
});
