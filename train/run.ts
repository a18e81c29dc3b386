// A whole run on disk: model, loop and folder put together; used by the command line, comparisons and the quickstart.

import {join} from 'node:path';
import {useBackend} from '../custom-ops/index.js';
import {taskFamily} from '../data/families.js';
import type {Task} from '../data/task.js';
import type {RecallReport} from '../eval/recall.js';
import {evaluateRecall} from '../eval/recall.js';
import type {ModelConfig} from '../models/config.js';
import {fileSystem} from '../models/file-system.js';
import {LanguageModel} from '../models/language-model.js';
import type {TrainEvent} from './events.js';
import {train} from './loop.js';
import type {RunConfig} from './run-config.js';
import type {RunFolder} from './run-folder.js';
import {restoreArrays} from './snapshot.js';

/** Tokens that attention windows alone reach back through the stack; undefined where attention sees everything. */
export function windowReach({attention, window, layers}: ModelConfig): number | undefined {
  return attention && window > 0 ? layers * window : undefined;
}

export function taskOf(config: RunConfig): Task {
  return taskFamily(config.task).create(config.data);
}

/**
 * Builds the model of a run once, so that settings that do not go together are refused before anything is written.
 * Errors: SettingError, ArgumentError, or what the backend says when it cannot start.
 */
export async function checkRun(config: RunConfig): Promise<void> {
  await useBackend(config.backend);
  LanguageModel.create(config.model).model.dispose();
}

/** Samples per evaluation batch: bounded, whatever the training batch is. */
const EVAL_BATCH = 64;

export async function evaluateRun(
  model: LanguageModel,
  task: Task,
  options: {seed: number; samples: number},
): Promise<RecallReport> {
  return evaluateRecall(model, task, {...options, batch: EVAL_BATCH, reach: windowReach(model.config)});
}

export interface RunOptions {
  /** Continue from the folder's last checkpoint instead of starting. */
  readonly resume: boolean;
  readonly signal?: AbortSignal;
}

/** Trains the run of a folder and writes all its files; yields the loop's events. */
export async function* runTraining(
  folder: RunFolder,
  {resume, signal}: RunOptions,
): AsyncGenerator<TrainEvent, void, void> {
  const {config, checkpoints} = folder;
  await useBackend(config.backend);
  const task = taskOf(config);
  const model = LanguageModel.create(config.model);
  const evaluate = (): Promise<RecallReport> =>
    evaluateRun(model, task, {seed: config.train.seed, samples: config.train.evalSamples});
  try {
    const snapshot = resume ? checkpoints.load() : undefined;
    folder.rewindMetrics(snapshot?.step ?? 0);
    let report: RecallReport | undefined;
    for await (const event of train({
      model,
      task,
      settings: config.train,
      evaluate,
      checkpoints,
      resume: snapshot,
      signal,
    })) {
      folder.record(event);
      if (event.type === 'evaluated') report = event.report;
      if (event.type === 'checkpoint') folder.writeCurve();
      if (event.type === 'finished') {
        await model.model.save(fileSystem(join(folder.path, 'model')));
        folder.writeResult({
          step: event.step,
          parameters: model.parameterCount(),
          stateBytes: model.stateSize(task.length),
          report: report ?? (await evaluate()),
        });
      }
      yield event;
    }
  } finally {
    model.model.dispose();
  }
}

/** The model of a run folder with the weights of its last checkpoint. */
export async function loadRunModel(folder: RunFolder): Promise<{model: LanguageModel; step: number}> {
  const snapshot = folder.checkpoints.load();
  await useBackend(folder.config.backend);
  const model = LanguageModel.create(folder.config.model);
  restoreArrays(model.parameters(), snapshot.weights);
  return {model, step: snapshot.step};
}
