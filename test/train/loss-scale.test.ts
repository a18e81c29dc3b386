// Products in float16: the loss is scaled, steps whose gradient overflows are skipped, and nothing else changes.

import type {Scalar, Tensor} from '@tensorflow/tfjs-core';
import {memory, scalar, tensor, tidy, variable} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {relativeError} from '../../custom-ops/parity.js';
import type {Precision} from '../../custom-ops/precision.js';
import {createMqar} from '../../data/mqar.js';
import {LanguageModel} from '../../models/index.js';
import {configUsesFloat16} from '../../models/precision.js';
import type {StepEvent} from '../../train/events.js';
import {train} from '../../train/loop.js';
import {factorOf, finiteness, nextLossScale, startLossScale} from '../../train/loss-scale.js';
import {DeviceConstants} from '../../train/objective.js';
import {AdamWOptimizer} from '../../train/optimizer.js';
import type {TrainSettings} from '../../train/settings.js';
import {parseTrainSettings} from '../../train/settings.js';
import type {Snapshot} from '../../train/snapshot.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {expectClose} from '../support/error.js';
import {MemoryStore} from '../support/snapshots.js';

const task = createMqar({vocabSize: 32, length: 32, pairs: 4});
const sizes = {
  vocabSize: 32,
  dModel: 16,
  layers: 2,
  heads: 2,
  window: 8,
  eideticSlots: 8,
  stateSize: 4,
  mlp: true,
};

async function run(precision: Precision, given: Partial<TrainSettings> = {}, resume?: Snapshot) {
  const model = LanguageModel.create({...sizes, precision});
  const store = new MemoryStore();
  const events: StepEvent[] = [];
  const settings = parseTrainSettings({steps: 6, batch: 4, checkpointEvery: 3, lossScaleGrowth: 2, ...given});
  for await (const event of train({model, task, settings, checkpoints: store, resume}))
    if (event.type === 'step') events.push(event);
  const weights: number[][] = [];
  for (const {variable: own} of model.parameters()) weights.push([...(await own.data<'float32'>())]);
  model.model.dispose();
  return {events, weights, store};
}

for (const backend of readableBackends) {
  describe(`loss scale on ${backend}`, () => {
    const constants = new DeviceConstants();
    const settings = parseTrainSettings({lossScale: 1024, lossScaleGrowth: 3});
    before(function () {
      return useReadableBackend(this, backend);
    });
    after(() => constants.dispose());

    it('halves where a gradient overflows, and doubles after a time without', () => {
      let state = startLossScale(settings);
      const seen = [Number.POSITIVE_INFINITY, 1, Number.NaN, 1, 1, 1, 1, 1, 1, 1].map(norm => {
        const next = tidy(() =>
          nextLossScale(state, finiteness(scalar(norm), constants), settings, constants),
        );
        state.dispose();
        state = next;
        return [...next.dataSync()];
      });
      expect(seen).to.deep.equal([
        [512, 0, 1],
        [512, 1, 1],
        [256, 0, 2],
        [256, 1, 2],
        [256, 2, 2],
        [512, 0, 2],
        [512, 1, 2],
        [512, 2, 2],
        [1024, 0, 2],
        [1024, 1, 2],
      ]);
      state.dispose();
    });

    for (const clip of [0, 1]) {
      for (const bad of [Number.NaN, Number.NEGATIVE_INFINITY]) {
        it(`leaves weights and moments as they are at a gradient with ${bad}, clip ${clip}`, async () => {
          const own = variable(tensor([1, -2, 3]));
          const optimizer = new AdamWOptimizer([{name: 'a/w', variable: own}], parseTrainSettings({clip}));
          const apply = (gradient: Tensor, step: number): Scalar =>
            optimizer.apply({[own.name]: gradient}, 0.1, step, {factor: scalar(1024)});
          const norm = apply(tensor([3 * 1024, 0, 4 * 1024]), 1);
          expect(norm.dataSync()[0]).to.be.closeTo(5, 1e-5);
          const before = [own, ...optimizer.moments().map(({variable: one}) => one)].map(one => [
            ...one.dataSync(),
          ]);
          expect(Number.isFinite(apply(tensor([1, bad, 2]), 2).dataSync()[0])).to.equal(false);
          const after = [own, ...optimizer.moments().map(({variable: one}) => one)].map(one => [
            ...one.dataSync(),
          ]);
          expect(after).to.deep.equal(before);
          optimizer.dispose();
          own.dispose();
        });
      }
    }

    it('changes no bit where no product is rounded: it is a power of two', async () => {
      const before = memory().numTensors;
      const half = await run('float16');
      const full = await run('float32');
      expect(half.weights).to.deep.equal(full.weights);
      expect(half.events.map(({loss}) => loss)).to.deep.equal(full.events.map(({loss}) => loss));
      expect(full.events[0].lossScale).to.equal(undefined);
      expect(half.events.map(({lossScale}) => lossScale)).to.deep.equal(
        [1, 2, 2, 4, 4, 8].map(factor => factor * 65536),
      );
      expect(half.events.every(({skippedSteps}) => skippedSteps === 0)).to.equal(true);
      expect(memory().numTensors).to.equal(before);
    });

    it('does not count skipped steps in the correction of the moments', async () => {
      const steady = {warmup: 0, finalRate: 1, steps: 1};
      const first = await run('float16', steady);
      const start = first.store.snapshots.get(0);
      if (start === undefined) throw new Error('no snapshot of the start');
      const optimizer = start.optimizer.map(source =>
        source.name === 'loss_scale' ? {...source, read: () => Float32Array.of(65536, 0, 3)} : source,
      );
      const after = await run('float16', {...steady, steps: 4}, {...start, step: 3, optimizer});
      expect(after.events.map(({step, skippedSteps}) => [step, skippedSteps])).to.deep.equal([[4, 3]]);
      first.weights.forEach((values, i) => {
        expectClose(after.weights[i], values, 1e-6, `parameter ${i}`);
      });
      const counting = await run('float16', {...steady, steps: 4}, {...start, step: 3});
      expect(relativeError(counting.weights[0], first.weights[0]), 'a count too high is seen').to.be.above(
        1e-5,
      );
    });

    it('resumes bit for bit', async () => {
      const whole = await run('float16');
      const middle = whole.store.snapshots.get(3);
      expect(middle).not.to.equal(undefined);
      const rest = await run('float16', {}, middle);
      expect(rest.events).to.deep.equal(whole.events.slice(3));
      expect(rest.weights).to.deep.equal(whole.weights);
    });
  });
}

describe('models in float16', () => {
  before(function () {
    return useReadableBackend(this, 'cpu');
  });
  it('are known by their settings and by their layers alike', () => {
    for (const precision of ['float32', 'float16', 'bfloat16'] as const) {
      const model = LanguageModel.create({...sizes, precision});
      expect(model.usesFloat16).to.equal(precision === 'float16');
      expect(configUsesFloat16(model.config)).to.equal(precision === 'float16');
      model.model.dispose();
    }
    const plan = [{}, {mixer: {precision: 'float16'}}] as const;
    const mixed = LanguageModel.create({...sizes, plan});
    expect([mixed.usesFloat16, configUsesFloat16(mixed.config)]).to.deep.equal([true, true]);
    mixed.model.dispose();
  });

  it('start from the factor that is asked for', () => {
    const state = startLossScale(parseTrainSettings({lossScale: 8}));
    expect(tidy(() => factorOf(state).dataSync()[0])).to.equal(8);
    state.dispose();
  });
});
