// Training: the loop as a generator of events, its optimizer, and runs on disk.

export {CheckpointError, CheckpointFolder} from './checkpoint-folder.js';
export type {
  CheckpointEvent,
  EvaluatedEvent,
  FinishedEvent,
  StartedEvent,
  StepEvent,
  StoppedEvent,
  TrainEvent,
} from './events.js';
export type {TrainOptions} from './loop.js';
export {train} from './loop.js';
export {AdamWOptimizer} from './optimizer.js';
export type {RunOptions} from './run.js';
export {loadRunModel, runTraining} from './run.js';
export type {GivenRun, RunConfig} from './run-config.js';
export {parseRunConfig} from './run-config.js';
export type {RunResult} from './run-folder.js';
export {RunFolder, RunFolderError} from './run-folder.js';
export {rateAt} from './schedule.js';
export type {TrainSettings} from './settings.js';
export {parseTrainSettings, trainSchema} from './settings.js';
export type {CheckpointStore, NamedArray, Snapshot} from './snapshot.js';
export type {Parameter, TrainableModel} from './trainable.js';
