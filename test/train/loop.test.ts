import {createHash} from 'node:crypto';
import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {Task} from '../../data/task.js';
import {IGNORED} from '../../data/task.js';
import {evaluateRecall} from '../../eval/recall.js';
import type {TrainEvent} from '../../train/events.js';
import type {TrainOptions} from '../../train/loop.js';
import {train} from '../../train/loop.js';
import type {TrainSettings} from '../../train/settings.js';
import {parseTrainSettings} from '../../train/settings.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import type {HeldSnapshot} from '../support/snapshots.js';
import {MemoryStore} from '../support/snapshots.js';
import {mapTask, tinyModel} from '../support/tiny-model.js';

const settings = (given: Partial<TrainSettings> = {}): TrainSettings =>
  parseTrainSettings({steps: 6, batch: 8, rate: 0.05, checkpointEvery: 3, evalEvery: 3, ...given});

/** A whole run of the tiny model. */
async function run(
  given: Partial<TrainSettings>,
  more: Partial<TrainOptions> = {},
): Promise<{events: TrainEvent[]; store: MemoryStore}> {
  const model = tinyModel();
  const store = new MemoryStore();
  const events: TrainEvent[] = [];
  const options: TrainOptions = {
    model,
    task: mapTask(),
    settings: settings(given),
    checkpoints: store,
    ...more,
  };
  for await (const event of train(options)) events.push(event);
  model.dispose();
  return {events, store};
}

const steps = (events: TrainEvent[]) => events.filter(event => event.type === 'step');

function digest({weights, optimizer}: HeldSnapshot): string {
  const hash = createHash('sha256');
  for (const {name, data} of [...weights, ...optimizer])
    hash.update(name).update(new Uint8Array(data.buffer));
  return hash.digest('hex');
}

for (const backend of readableBackends) {
  describe(`training loop on ${backend}`, () => {
    before(function () {
      return useReadableBackend(this, backend);
    });

    it('learns, evaluates and leaves no tensor behind', async () => {
      const before = memory().numTensors;
      const model = tinyModel();
      const task = mapTask();
      const events: TrainEvent[] = [];
      const evaluate = () => evaluateRecall(model, task, {seed: 1, samples: 20, batch: 8, reach: 3});
      const options = settings({steps: 150, weightDecay: 0, evalEvery: 150});
      for await (const event of train({model, task, settings: options, evaluate})) events.push(event);
      const [first, last] = [steps(events)[0], steps(events)[149]];
      expect(first.loss).to.be.closeTo(Math.log(12), 0.5);
      expect(last.loss).to.be.below(0.2);
      expect(last.accuracy).to.be.above(0.95);
      const evaluated = events.find(event => event.type === 'evaluated');
      expect(evaluated?.report.accuracy).to.be.above(0.95);
      expect(evaluated?.report.beyondReach?.queries).to.equal(20);
      expect(events.map(event => event.type)).to.deep.equal([
        'started',
        ...Array.from({length: 150}, () => 'step'),
        'evaluated',
        'finished',
      ]);
      model.dispose();
      expect(memory().numTensors).to.equal(before);
    });

    it('resumes bit for bit: 6 steps equal 3 and 3', async () => {
      const whole = await run({});
      const middle = whole.store.snapshots.get(3);
      expect(middle?.cursor).to.equal(24);
      const rest = await run({}, {resume: middle});
      expect(steps(rest.events)).to.deep.equal(steps(whole.events).slice(3));
      const [a, b] = [whole, rest].map(({store}) => store.snapshots.get(6));
      expect(digest(a!)).to.equal(digest(b!));
      expect(digest(a!)).to.not.equal(digest(middle!));
    });

    it('gives the same step in one part or in four, also where they ask unlike numbers of questions', async () => {
      const uneven: Task = {
        ...mapTask(),
        sample: key => {
          const whole = mapTask().sample(key);
          const queries = whole.queries.slice(0, 1 + (key.index % 8 < 4 ? 2 : 0));
          const asked = new Set(queries.map(({position}) => position));
          return {
            ...whole,
            queries,
            labels: whole.labels.map((label, i) => (asked.has(i) ? label : IGNORED)),
          };
        },
      };
      for (const task of [mapTask(), uneven]) {
        const [one, four] = [await run({steps: 1}, {task}), await run({steps: 1, accumulate: 4}, {task})];
        const [a, b] = [steps(one.events)[0], steps(four.events)[0]];
        expect(b.loss).to.be.closeTo(a.loss, 1e-5);
        expect(b.accuracy).to.be.closeTo(a.accuracy, 1e-6);
        expect(b.gradientNorm).to.be.closeTo(a.gradientNorm, 1e-5);
      }
    });

    it('stops with the last good checkpoint when numbers are not finite', async () => {
      // Every step multiplies the matrices by 1 - 10 x 10 = -99: float32 overflows after about twenty.
      const diverging = {steps: 60, rate: 10, finalRate: 1, warmup: 0, clip: 0, weightDecay: 10};
      const {events, store} = await run(diverging);
      const last = events[events.length - 1];
      expect(last.type).to.equal('stopped');
      if (last.type !== 'stopped') return;
      expect(last.reason).to.equal('not-finite');
      expect(last.checkpointStep).to.equal(store.lastStep);
      expect(store.lastStep).to.be.within(3, last.step);
      for (const {weights} of store.snapshots.values()) {
        for (const {data} of weights) expect(data.every(Number.isFinite)).to.equal(true);
      }
    });

    it('finishes its step and saves when interrupted', async () => {
      const controller = new AbortController();
      const model = tinyModel();
      const store = new MemoryStore();
      const events: TrainEvent[] = [];
      const options = {
        model,
        task: mapTask(),
        settings: settings({steps: 50, checkpointEvery: 50}),
        checkpoints: store,
      };
      for await (const event of train({...options, signal: controller.signal})) {
        events.push(event);
        if (event.type === 'step' && event.step === 5) controller.abort();
      }
      const last = events[events.length - 1];
      expect(last).to.include({type: 'stopped', reason: 'interrupted', checkpointStep: store.lastStep});
      expect(store.lastStep).to.equal(steps(events).length);
      expect(store.lastStep).to.be.within(5, 8);
      model.dispose();
    });
  });
}
