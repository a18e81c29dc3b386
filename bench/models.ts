// A whole model at work, with our kernels and with the same mathematics from tf operations: a training step, a decoded token.

import type {Tensor2D} from '@tensorflow/tfjs-core';
import {dispose, reshape, tidy, zeros} from '@tensorflow/tfjs-core';
import type {StepCall} from '../custom-ops/index.js';
import {createStepRunner} from '../custom-ops/index.js';
import {withComposedOps} from '../custom-ops/run.js';
import {createMqar} from '../data/index.js';
import {LanguageModel} from '../models/language-model.js';
import {disposeModelState, stateFromList, stateList} from '../models/state.js';
import {DeviceConstants} from '../train/objective.js';
import {AdamWOptimizer} from '../train/optimizer.js';
import {rateAt} from '../train/schedule.js';
import {parseTrainSettings} from '../train/settings.js';
import {update} from '../train/update.js';
import {taskWorkload} from '../train/workload.js';
import type {TimingLimits} from './timing.js';
import {median} from './timing.js';

export type ModelForm = 'kernel' | 'composed';

export interface ModelTiming {
  readonly work: 'training step' | 'decoded token';
  readonly case: string;
  readonly form: ModelForm;
  readonly medianMs: number;
  readonly runs: number;
}

const sizes = {
  vocabSize: 64,
  dModel: 64,
  layers: 2,
  heads: 2,
  window: 16,
  eideticSlots: 16,
  mlp: true,
} as const;
const LENGTH = 64;
const BATCH = 8;
/** Tokens before the one that is decoded: all memories are full. */
const POSITION = 512;
/** Runs that are not timed: kernels are compiled, and the step is recorded where it can be. */
const WARM_UP = 4;

/** Each piece of work in each form. Untrained weights: their values change no cost. */
export async function* benchModels(
  forms: readonly ModelForm[],
  limits: TimingLimits,
): AsyncGenerator<ModelTiming, void, void> {
  const model = LanguageModel.create({preset: 'bmojo', ...sizes});
  const {dModel: width, layers} = sizes;
  try {
    for (const form of forms)
      yield {
        work: 'decoded token',
        case: `at ${POSITION}, D${width}, ${layers} layers`,
        form,
        ...(await decodedToken(model, form, limits)),
      };
    for (const form of forms)
      yield {
        work: 'training step',
        case: `B${BATCH} L${LENGTH} D${width}, ${layers} layers`,
        form,
        ...(await trainingStep(model, form, limits)),
      };
  } finally {
    model.model.dispose();
  }
}

const inForm = <T>(form: ModelForm, body: () => T): T =>
  form === 'composed' ? withComposedOps(body) : body();

async function timed(run: () => Promise<unknown>, {minRuns, budgetMs, onceIfSlow = false}: TimingLimits) {
  const once = async (): Promise<number> => {
    const started = performance.now();
    await run();
    return performance.now() - started;
  };
  for (let i = 0; i < WARM_UP; i++) {
    const ms = await once();
    if (onceIfSlow && ms > budgetMs) return {medianMs: ms, runs: 1};
  }
  const samples: number[] = [];
  const deadline = performance.now() + budgetMs;
  while (samples.length < minRuns || performance.now() < deadline) samples.push(await once());
  return {medianMs: median(samples), runs: samples.length};
}

async function trainingStep(model: LanguageModel, form: ModelForm, limits: TimingLimits) {
  const settings = parseTrainSettings({batch: BATCH});
  const task = createMqar({vocabSize: sizes.vocabSize, length: LENGTH, pairs: 8, filler: 'zero'});
  const workload = taskWorkload(task);
  const optimizer = new AdamWOptimizer(model.parameters(), settings);
  const constants = new DeviceConstants();
  const runner = await createStepRunner();
  const trainer = {model, optimizer, settings, constants, runner};
  let step = 0;
  try {
    return await timed(() => {
      const batches = workload.microBatches(settings, step * settings.batch, model);
      return inForm(form, () => update(trainer, batches, [], rateAt(step, settings), ++step)).values;
    }, limits);
  } finally {
    runner.dispose();
    constants.dispose();
    optimizer.dispose();
  }
}

async function decodedToken(model: LanguageModel, form: ModelForm, limits: TimingLimits) {
  const shapes = model.stateShapes(POSITION);
  const start = model.initialState(1);
  const before = tidy(() => stateList(model.advance(zeros([1, POSITION], 'int32'), start).state));
  disposeModelState(start);
  const {name: kind, varying} = model.stepKind(POSITION, 1);
  const call: StepCall = {
    kind,
    inputs: [{values: Int32Array.of(1), shape: [1, 1]}, ...model.hostInputs(POSITION, 1)],
    tensors: before,
    varying,
    body: ([ids, ...host], held) => {
      const {hidden, state} = model.advance(
        ids as Tensor2D,
        stateFromList(shapes, held),
        model.contextOf(host),
      );
      return [model.logits(reshape(hidden, [1, hidden.shape[2]])), ...stateList(state)];
    },
  };
  const runner = await createStepRunner();
  try {
    return await timed(async () => {
      const [logits, ...after] = inForm(form, () => runner.run(call));
      await logits.data();
      dispose([logits, ...after]);
    }, limits);
  } finally {
    runner.dispose();
    dispose(before);
  }
}
