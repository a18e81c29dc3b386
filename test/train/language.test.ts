// Language modelling through the loop: memory carried over segments, resumed bit for bit, recomputation without effect.

import {dispose, memory, reshape, tensor1d, tensor2d, variableGrads} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {crossEntropy, useBackend} from '../../custom-ops/index.js';
import type {TokenSource} from '../../data/token-source.js';
import {memoryTokens} from '../../data/token-source.js';
import {WindowIndex} from '../../data/windows.js';
import {evaluateLanguage} from '../../eval/language.js';
import type {ModelConfig} from '../../models/config.js';
import {LanguageModel} from '../../models/language-model.js';
import {disposeModelState} from '../../models/state.js';
import type {ActivationFormat} from '../../train/activation-formats.js';
import type {StepEvent} from '../../train/events.js';
import {languageWorkload} from '../../train/language-workload.js';
import {train} from '../../train/loop.js';
import {parseTrainSettings} from '../../train/settings.js';
import type {Snapshot} from '../../train/snapshot.js';
import {expectClose} from '../support/error.js';
import {MemoryStore} from '../support/snapshots.js';

const VOCABULARY = 11;
/** Counts upwards with a jump now and then: easy to predict from the token before. */
const source: TokenSource = memoryTokens(
  [Array.from({length: 700}, (_, i) => (i + 3 * Math.floor(i / 29)) % VOCABULARY)],
  VOCABULARY,
  700,
);
const small: Partial<ModelConfig> = {
  vocabSize: VOCABULARY,
  dModel: 16,
  layers: 2,
  heads: 2,
  window: 4,
  eideticSlots: 3,
  stateSize: 4,
  mlp: true,
};

interface RunOptions {
  readonly segments?: number;
  readonly steps?: number;
  readonly accumulate?: number;
  readonly recompute?: boolean;
  readonly activations?: ActivationFormat;
  readonly dropout?: number;
  readonly storage?: number;
  readonly resume?: Snapshot;
}

async function run({
  segments = 1,
  steps = 7,
  accumulate = 1,
  recompute,
  activations = 'float32',
  dropout = 0,
  storage = 0,
  resume,
}: RunOptions) {
  const config = {...small, dropout, storage, storageNegatives: storage === 0 ? 0 : 1};
  const model = LanguageModel.create(config, {recompute});
  const store = new MemoryStore();
  const best = new MemoryStore();
  const losses: StepEvent[] = [];
  const workload = languageWorkload(source, {context: 10, segments, crossBorders: false});
  const starts = new WindowIndex(source, 10 * segments).spread(6);
  const settings = parseTrainSettings({
    steps,
    batch: 4,
    accumulate,
    activations,
    rate: 0.01,
    checkpointEvery: 1,
    evalEvery: 3,
  });
  for await (const event of train({
    model,
    task: workload,
    settings,
    checkpoints: store,
    best: {store: best, score: report => report.loss},
    evaluate: () => evaluateLanguage(model, source, {starts, context: 10, segments, batch: 4}),
    resume,
  })) {
    if (event.type === 'step') losses.push(event);
  }
  model.model.dispose();
  return {store, best, losses};
}

const sameBits = (a: Snapshot | undefined, b: Snapshot | undefined): void => {
  expect(a).to.not.equal(undefined);
  expect(a).to.deep.equal(b);
};

for (const backend of ['cpu', 'wasm'] as const) {
  describe(`language modelling on ${backend}`, () => {
    before(() => useBackend(backend));

    it('learns, and leaves no tensor behind', async () => {
      const before = memory().numTensors;
      // The plain loops of the cpu backend take their time: they begin to learn, the kernels learn.
      const [steps, goal] = backend === 'cpu' ? [18, 2.1] : [60, 1];
      const {losses, best} = await run({steps, segments: 2});
      expect(losses[0].loss).to.be.closeTo(Math.log(VOCABULARY), 0.3);
      expect(losses[steps - 1].loss).to.be.below(goal);
      expect(best.lastStep).to.equal(steps);
      expect(memory().numTensors).to.equal(before);
    });

    for (const accumulate of [1, 2]) {
      it(`resumes bit for bit inside a stretch of text, ${accumulate} parts`, async () => {
        const whole = await run({segments: 3, accumulate, dropout: 0.2});
        // 0, 3 and 6 begin a stretch; 4 and 5 go on in the middle of one.
        for (const step of [3, 4, 5]) {
          const middle = whole.store.snapshots.get(step);
          expect(middle?.memory === undefined).to.equal(step % 3 === 0);
          if (middle?.memory !== undefined)
            expect(middle.memory).to.include({parts: accumulate, position: 10 * (step % 3)});
          const rest = await run({segments: 3, accumulate, dropout: 0.2, resume: middle});
          expect(rest.losses).to.deep.equal(whole.losses.slice(step));
          sameBits(rest.store.snapshots.get(7), whole.store.snapshots.get(7));
        }
      });
    }

    it('resumes bit for bit with activations in 16 bits, whose first loss is that of float32', async () => {
      const whole = await run({segments: 3, activations: 'bfloat16'});
      const rest = await run({segments: 3, activations: 'bfloat16', resume: whole.store.snapshots.get(4)});
      expect(rest.losses).to.deep.equal(whole.losses.slice(4));
      sameBits(rest.store.snapshots.get(7), whole.store.snapshots.get(7));
      const plain = await run({segments: 3});
      expect(whole.losses[0].loss).to.equal(plain.losses[0].loss);
      expect(whole.losses[6].loss).to.not.equal(plain.losses[6].loss);
    });

    it('resumes bit for bit with storage that is carried, other texts of the batch searched as well', async () => {
      const whole = await run({segments: 3, storage: 3});
      const rest = await run({segments: 3, storage: 3, resume: whole.store.snapshots.get(4)});
      expect(rest.losses).to.deep.equal(whole.losses.slice(4));
      sameBits(rest.store.snapshots.get(7), whole.store.snapshots.get(7));
      const frugal = await run({segments: 3, storage: 3, recompute: true});
      frugal.losses.forEach(({loss}, i) => {
        expect(loss).to.be.closeTo(whole.losses[i].loss, 1e-5);
      });
    });

    for (const storage of [0, 3])
      it(`carried memory is that of the whole text: two segments see what one of twice the length sees, ${storage} rows of storage`, async () => {
        const model = LanguageModel.create({...small, storage});
        const starts = new WindowIndex(source, 20).spread(5);
        const one = await evaluateLanguage(model, source, {starts, context: 20, batch: 2});
        const two = await evaluateLanguage(model, source, {starts, context: 10, segments: 2, batch: 2});
        expect(two.tokens).to.equal(one.tokens);
        expect(two.loss).to.be.closeTo(one.loss, 1e-5);
        expect(one.perplexity).to.be.closeTo(Math.exp(one.loss), 1e-9);
        expect(one.bitsPerByte).to.be.closeTo(one.loss / Math.LN2, 1e-9);
        model.model.dispose();
      });

    it('recomputation changes no gradient, whole or in segments', () => {
      const [plain, frugal] = [false, true].map(recompute => LanguageModel.create(small, {recompute}));
      const gradientsOf = (model: LanguageModel, length: number, inSegments: boolean): Float32Array[] => {
        const ids = source.read(5, 2 * length);
        const past = inSegments
          ? model.advance(tensor2d(ids, [2, length], 'int32'), model.initialState(2)).state
          : undefined;
        const {value, grads} = variableGrads(
          () => {
            const tokens = tensor2d(ids, [2, length], 'int32');
            const hidden = past === undefined ? model.hidden(tokens) : model.advance(tokens, past).hidden;
            const logits = model.logits(reshape(hidden, [2 * length, hidden.shape[2]]));
            return crossEntropy(logits, tensor1d(ids, 'int32'));
          },
          model.parameters().map(parameter => parameter.variable),
        );
        const found = model
          .parameters()
          .map(({variable}) => grads[variable.name].dataSync<'float32'>().slice());
        dispose([value, grads]);
        if (past !== undefined) disposeModelState(past);
        return found;
      };
      for (const inSegments of [false, true]) {
        const expected = gradientsOf(plain, 9, inSegments);
        gradientsOf(frugal, 9, inSegments).forEach((gradient, i) => {
          expectClose(gradient, expected[i], 1e-6, plain.parameters()[i].name);
        });
      }
      for (const model of [plain, frugal]) model.model.dispose();
    });

    it('recomputation trains the same, and leaves no tensor behind', async () => {
      const before = memory().numTensors;
      for (const segments of [1, 2]) {
        const [plain, frugal] = [await run({segments}), await run({segments, recompute: true})];
        frugal.losses.forEach(({loss}, i) => {
          expect(loss).to.be.closeTo(plain.losses[i].loss, 1e-5);
        });
      }
      expect(memory().numTensors).to.equal(before);
    });
  });
}

describe('batches of language', () => {
  it('segments follow one another in the text, and every part of a batch draws masks of its own', () => {
    const context = 10;
    const workload = languageWorkload(source, {context, segments: 3, crossBorders: false});
    const model = LanguageModel.create(small);
    const settings = parseTrainSettings({steps: 6, batch: 4, accumulate: 2});
    const updates = [0, 1, 2, 3].map(step =>
      workload.microBatches(settings, 4 * step, model).map(({labels, inputs}) => ({
        tokens: [...(inputs[0].values as Int32Array)],
        labels: [...labels],
        seed: [...inputs[1].values].join(),
      })),
    );
    const parts = updates.flat();
    expect(new Set(parts.map(({seed}) => seed)).size).to.equal(8);
    expect(new Set(parts.map(({tokens}) => tokens.join())).size).to.equal(8);
    for (const {tokens, labels} of parts)
      for (const row of [0, 1]) {
        const at = row * context;
        expect(labels.slice(at, at + context - 1)).to.deep.equal(tokens.slice(at + 1, at + context));
      }
    // Updates 0, 1 and 2 go through one stretch of text; 3 begins another.
    for (const step of [0, 1])
      for (const part of [0, 1])
        for (const end of [context, 2 * context])
          expect(updates[step + 1][part].tokens[end - context]).to.equal(updates[step][part].labels[end - 1]);
    model.model.dispose();
  });
});
