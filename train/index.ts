// Training: the loop as a generator of events, its workloads, optimizer and settings. Reaches no module of Node.

export {SettingError} from '../config/schema.js';
export type {ActivationFormat} from './activation-formats.js';
export type {
  CheckpointEvent,
  EvaluatedEvent,
  FinishedEvent,
  StartedEvent,
  StepEvent,
  StoppedEvent,
  TrainEvent,
} from './events.js';
export type {LanguageWorkloadOptions} from './language-workload.js';
export {languageWorkload} from './language-workload.js';
export type {BestOptions, TrainOptions} from './loop.js';
export {train} from './loop.js';
export {AdamWOptimizer} from './optimizer.js';
export {duration, Pace} from './pace.js';
export {keepingActivations} from './packed-optimizer.js';
export {rateAt} from './schedule.js';
export type {PartialTrainSettings, TrainSettings} from './settings.generated.js';
export {parseTrainSettings, trainSchema} from './settings.js';
export type {ArraySource, CarriedMemory, CheckpointStore, NamedShape, Snapshot} from './snapshot.js';
export {SnapshotError} from './snapshot.js';
export {Stopwatch} from './stopwatch.js';
export type {Parameter, TrainableModel} from './trainable.js';
export type {MicroBatch, MicroBatchResult, Segment, Workload} from './workload.js';
export {taskWorkload} from './workload.js';
