// A short training of recall through the entries for browsers alone: the same in Node and in a page.

import {parseSettings} from '../../config/index.js';
import {createMqar, mqarSchema} from '../../data/index.js';
import {evaluateRecall} from '../../eval/index.js';
import type {BackendName} from '../../index.js';
import {LanguageModel, useBackend} from '../../index.js';
import type {TrainEvent} from '../../train/index.js';
import {parseTrainSettings, train} from '../../train/index.js';
import {MemoryStore} from './snapshots.js';

export interface ShortTraining {
  /** Loss of every step. */
  readonly losses: readonly number[];
  /** Kinds of events, repeats aside, in the order of their coming. */
  readonly kinds: readonly TrainEvent['type'][];
  /** Losses of the steps behind the checkpoint of step 4, trained again from there. */
  readonly resumed: readonly number[];
}

const task = createMqar(parseSettings('mqar', mqarSchema, {length: 16, pairs: 2, vocabSize: 16}));
const settings = parseTrainSettings({
  steps: 8,
  batch: 16,
  rate: 2e-2,
  warmup: 0,
  checkpointEvery: 4,
  evalEvery: 8,
  seed: 3,
});

const create = (): LanguageModel =>
  LanguageModel.create({
    preset: 'bmojo',
    vocabSize: 16,
    layers: 1,
    dModel: 8,
    heads: 2,
    window: 4,
    eideticSlots: 4,
    stateSize: 4,
    mlp: false,
    seed: 3,
  });

/** Trains eight steps, then the last four once more from the checkpoint between. */
export async function shortTraining(backend: BackendName): Promise<ShortTraining> {
  await useBackend(backend);
  const checkpoints = new MemoryStore();
  const events: TrainEvent[] = [];
  const model = create();
  const evaluate = () => evaluateRecall(model, task, {seed: 3, samples: 16, batch: 16});
  for await (const event of train({model, task, settings, evaluate, checkpoints})) events.push(event);
  model.model.dispose();
  const again = create();
  const resumed: number[] = [];
  for await (const event of train({model: again, task, settings, resume: checkpoints.snapshots.get(4)}))
    if (event.type === 'step') resumed.push(event.loss);
  again.model.dispose();
  return {
    losses: events.flatMap(event => (event.type === 'step' ? [event.loss] : [])),
    kinds: events.map(({type}) => type).filter((type, i, all) => type !== all[i - 1]),
    resumed,
  };
}
