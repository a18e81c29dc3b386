// Runs on disk: folders, checkpoints, several runs side by side, evaluations (Node only).

export {CheckpointError, CheckpointFolder} from './checkpoint-folder.js';
export {EvaluationError, readRecords, writeRecord} from './evaluations.js';
export type {MetricsLine, Report, WorkloadFamily} from './families/index.js';
export {isLanguageReport, workloadFamilies, workloadFamily} from './families/index.js';
export type {LoadedRun, LoadOptions, RunOptions} from './run.js';
export {checkRun, evaluateRun, loadRunModel, loadSequenceModel, runTraining} from './run.js';
export type {GivenRun, RunConfig} from './run-config.js';
export {parseRunConfig, parseStoredConfig} from './run-config.js';
export {RunFolder, RunFolderError} from './run-folder.js';
export type {RunModelOptions, WeightsName} from './run-models.js';
export {writeRunModel} from './run-models.js';
export type {RunResult} from './run-result.js';
export type {NamedEvent, NamedRun, RunSetOptions} from './run-set.js';
export {trainAll} from './run-set.js';
export type {Trained, TrainedConfig} from './trained.js';
export {openTrained} from './trained.js';
export {VectorFolderError, vectorFiles} from './vectors.js';
