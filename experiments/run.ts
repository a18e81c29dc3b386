// A whole run on disk: model, loop and folder put together; used by the command line, comparisons and the quickstart.

import type {BackendName} from '../custom-ops/index.js';
import {useBackend, useWebGPU} from '../custom-ops/index.js';
import {taskFamily} from '../data/families.js';
import type {Task} from '../data/task.js';
import type {RecallReport} from '../eval/recall.js';
import {evaluateRecall} from '../eval/recall.js';
import type {WeightDType} from '../formats/weight-dtype.js';
import type {SequenceModel} from '../models/create.js';
import {asLanguageModel, checkSequenceModel, createSequenceModel} from '../models/create.js';
import type {LanguageModel} from '../models/language-model.js';
import {weightsDigest} from '../models/model-folder/index.js';
import {parameterShapes} from '../models/parameters.js';
import {configUsesFloat16} from '../models/precision.js';
import {disposeModelState} from '../models/state.js';
import type {TrainEvent} from '../train/events.js';
import {train} from '../train/loop.js';
import {lossScaleShape} from '../train/loss-scale.js';
import {restoreMemory} from '../train/memory.js';
import {isExhausted} from '../train/patience.js';
import type {ArraySource, NamedShape, Snapshot} from '../train/snapshot.js';
import {checkShapes, restoreArrays, SnapshotError} from '../train/snapshot.js';
import {Stopwatch} from '../train/stopwatch.js';
import type {OpenWorkload, Report} from './families/index.js';
import {workloadFamily} from './families/index.js';
import {EVAL_BATCH, windowReach} from './families/recall.js';
import {halvesOf} from './halves-of.js';
import type {OpenCheckpoint} from './open-checkpoint.js';
import type {Probe} from './probe.js';
import {probe} from './probe.js';
import type {RunConfig} from './run-config.js';
import type {RunFolder} from './run-folder.js';
import {writeRunModels} from './run-models.js';

export function taskOf(config: Pick<RunConfig, 'task' | 'data'>): Task {
  return taskFamily(config.task).create(config.data);
}

/** What a run begins with instead of random numbers. */
export interface Beginning {
  /** Weights of another run. */
  readonly initial?: readonly ArraySource[];
  /** The checkpoint that it goes on from. */
  readonly resume?: Snapshot;
}

/**
 * Opens the data of a run and puts its model together, so that damaged data, settings that do not go together, and weights of
 * another model are refused before anything is written. Shapes are compared before anything is allocated, and nothing is
 * where no weights are given: random ones of a billion parameters take a while to draw.
 * Errors: SettingError, TokenFileError, ArgumentError, SnapshotError, or what the backend says when it cannot start.
 */
export async function checkRun(config: RunConfig, {initial, resume}: Beginning = {}): Promise<void> {
  if (initial !== undefined) checkShapes(parameterShapes(config.model), initial);
  if (resume !== undefined) checkSnapshot(config, resume);
  await useBackend(config.backend);
  workloadFamily(config.task).open(config).close();
  const weights = initial ?? resume?.weights;
  const {recompute} = config.train;
  if (weights === undefined) {
    checkSequenceModel(config.model, {recompute});
    return;
  }
  const model = createSequenceModel(config.model, {recompute});
  try {
    await restoreArrays(model.parameters(), weights);
    for (const array of resume?.optimizer ?? []) await array.read();
    if (resume?.memory !== undefined) (await restoreMemory(model, resume.memory)).forEach(disposeModelState);
  } finally {
    model.model.dispose();
  }
}

/** Errors: SnapshotError for a checkpoint that does not belong to these settings. */
function checkSnapshot({model, train: {batch, steps}}: RunConfig, snapshot: Snapshot): void {
  const {step, cursor, weights, optimizer} = snapshot;
  const shapes = parameterShapes(model);
  checkShapes(shapes, weights);
  const moments = (kind: string): NamedShape[] =>
    shapes.map(({name, shape}) => ({name: `${kind}/${name}`, shape}));
  const scale = configUsesFloat16(model) ? [lossScaleShape] : [];
  checkShapes([...moments('first_moment'), ...moments('second_moment'), ...scale], optimizer);
  if (step > steps) throw new SnapshotError(`it is of step ${step}, the run has ${steps}`);
  if (cursor !== step * batch)
    throw new SnapshotError(
      `its cursor must be ${step * batch} after ${step} steps of ${batch} samples, is ${cursor}`,
    );
}

/**
 * Accuracy of a model on `samples` held-out samples of a task, with the reach of its windows for the
 * questions beyond them.
 */
export async function evaluateRun(
  model: SequenceModel,
  task: Task,
  options: {seed: number; samples: number; onProgress?: (samples: number) => void},
): Promise<RecallReport> {
  return evaluateRecall(model, task, {...options, batch: EVAL_BATCH, reach: windowReach(model.config)});
}

/**
 * The seed of held-out samples for a model that was trained with `seed`: of those of its own seed, evaluations during the
 * training have chosen the best weights and when to end.
 */
export function unseenSeed(seed: number): number {
  return (seed + 1) % 2 ** 31;
}

/** Whether evaluations are good enough, or were no better for long enough, to end a run; none end it. */
function isEnough({task, train: {stopAccuracy, patience}}: RunConfig, reports: readonly Report[]): boolean {
  const last = reports.at(-1);
  if (last === undefined) return false;
  const {score} = workloadFamily(task);
  return (stopAccuracy > 0 && last.accuracy >= stopAccuracy) || isExhausted(reports.map(score), patience);
}

/** Whether a run ended before its last step, as `--stop-accuracy` and `--patience` say: it goes on when these change. */
export function endedEarly(folder: RunFolder): boolean {
  const {config, checkpoints} = folder;
  const evaluations = folder.evaluations();
  return (
    evaluations.length > 0 &&
    evaluations.at(-1)?.step === checkpoints.lastStep &&
    isEnough(
      config,
      evaluations.map(({report}) => report),
    )
  );
}

/** Options of {@link runTraining}: `resume` must be given. */
export interface RunOptions {
  /** Continue from the folder's last checkpoint, where there is one, instead of starting. */
  readonly resume: boolean;
  /** Weights to begin with instead of random ones; not when resuming. */
  readonly initial?: readonly ArraySource[];
  /** The command that trains, for the cards of the run's model folders. */
  readonly command?: string;
  /** Runs that are trained at the same time on this machine, this one included. Default 1. */
  readonly together?: number;
  /**
   * Whether checkpoints, the best weights and model folders are written; without them a run that is stopped begins again.
   * Default true.
   */
  readonly keepsWeights?: boolean;
  /** When aborted, the step under way is finished and a checkpoint kept. */
  readonly signal?: AbortSignal;
}

/**
 * Trains the run of a folder and writes all its files; yields the loop's events. Nothing is written before everything that
 * the run begins with is checked. Errors: those of `checkRun`; CheckpointError; FolderLockError while another process trains it.
 */
export async function* runTraining(
  folder: RunFolder,
  {resume, initial, command, together, keepsWeights = true, signal}: RunOptions,
): AsyncGenerator<TrainEvent<Report>, void, void> {
  const {config, checkpoints} = folder;
  const family = workloadFamily(config.task);
  await useBackend(config.backend);
  let snapshot: OpenCheckpoint | undefined;
  let open: OpenWorkload | undefined;
  let model: SequenceModel | undefined;
  folder.lock();
  try {
    if (resume && checkpoints.lastStep !== undefined) snapshot = checkpoints.open();
    if (snapshot !== undefined) checkSnapshot(config, snapshot);
    folder.check();
    family.checkFiles?.(config, folder.path);
    open = family.open(config);
    model = createSequenceModel(config.model, {recompute: config.train.recompute});
    const trained = model;
    const {evaluate: score, stateLength, sample} = open;
    const write = open.write?.bind(open);
    let seen: Probe | undefined;
    // Looked at within the evaluation, whose time does not count as training.
    const evaluate = async (): Promise<Report> => {
      const found = await score(trained);
      seen = await probe(trained, {sample, write});
      return found;
    };
    const stopwatch = new Stopwatch();
    if (snapshot === undefined && initial !== undefined) await restoreArrays(model.parameters(), initial);
    if (snapshot?.memory !== undefined)
      (await restoreMemory(model, snapshot.memory)).forEach(disposeModelState);
    folder.rewindMetrics(snapshot?.step ?? 0);
    const device = config.backend === 'webgpu' ? (await useWebGPU()).name : undefined;
    folder.begin(snapshot?.step ?? 0, {command, device, together});
    const reports = folder.evaluations().map(one => one.report);
    // A run that had ended is as it was: what was written behind its end may be missing.
    const isOver = snapshot !== undefined && endedEarly(folder);
    let report = isOver ? reports.at(-1) : undefined;
    for await (const event of train<SequenceModel, Report>({
      model,
      task: open.workload,
      settings: isOver ? {...config.train, steps: snapshot?.step ?? 0} : config.train,
      evaluate,
      enough: found => {
        reports.push(found);
        return isEnough(config, reports);
      },
      ...(keepsWeights
        ? {
            checkpoints,
            best: {store: folder.best, score: family.score, known: Math.min(...reports.map(family.score))},
          }
        : {}),
      resume: snapshot,
      signal,
    })) {
      stopwatch.see(event);
      folder.record(event);
      if (event.type === 'evaluated') {
        report = event.report;
        if (seen !== undefined) folder.show(event.step, seen);
      }
      if (event.type === 'checkpoint' || (event.type === 'finished' && !keepsWeights)) folder.writeCurve();
      if (event.type === 'finished') {
        folder.writeResult({
          step: event.step,
          parameters: model.parameterCount(),
          stateBytes: model.stateBytes(stateLength),
          report: report ?? (await evaluate()),
          ...stopwatch.result,
        });
      }
      if (keepsWeights && (event.type === 'finished' || event.type === 'stopped')) {
        const sound = event.type === 'finished' || event.reason === 'interrupted';
        await writeRunModels(folder, model, {sound, command});
      }
      yield event;
    }
  } finally {
    model?.model.dispose();
    open?.close();
    snapshot?.close();
    folder.release();
  }
}

/** Options of {@link loadRunModel} and {@link loadSequenceModel}; defaults stand beside each. */
export interface LoadOptions {
  /** Weights of the last checkpoint, or of the best evaluation. Default `last`. */
  readonly weights?: 'last' | 'best';
  /** Where to compute. Default the run's own. */
  readonly backend?: BackendName;
  /** How the model's matrices lie in memory; halves are for inference alone. Default float32. */
  readonly dtype?: WeightDType;
}

/** A run's model with the weights of a checkpoint. */
export interface LoadedRun<M> {
  readonly model: M;
  readonly step: number;
  /** SHA-256 of the weights. */
  readonly digest: string;
}

/**
 * The language model of a run folder with the weights of a checkpoint.
 *
 * Errors: SettingError for an auto-encoder; CheckpointError where no checkpoint is or it is damaged;
 * SnapshotError where it belongs to other settings; what the backend says when it cannot start.
 */
export async function loadRunModel(
  folder: RunFolder,
  options: LoadOptions = {},
): Promise<LoadedRun<LanguageModel>> {
  const {model, ...rest} = await loadSequenceModel(folder, options);
  return {model: asLanguageModel(model), ...rest};
}

/**
 * The model of a run folder, of any backbone, with the weights of a checkpoint.
 *
 * Errors: CheckpointError where no checkpoint is or it is damaged; SnapshotError where it belongs to other
 * settings; what the backend says when it cannot start.
 */
export async function loadSequenceModel(
  folder: RunFolder,
  {weights = 'last', backend = folder.config.backend, dtype = 'float32'}: LoadOptions = {},
): Promise<LoadedRun<SequenceModel>> {
  const store = weights === 'best' ? folder.best : folder.checkpoints;
  const snapshot = store.open();
  try {
    checkShapes(parameterShapes(folder.config.model), snapshot.weights);
    await useBackend(backend);
    const {step, digest} = snapshot;
    if (dtype !== 'float32') {
      const model = await halvesOf(folder.config.model, snapshot.weights, dtype);
      return {model, step, digest: await weightsDigest(model)};
    }
    const model = createSequenceModel(folder.config.model);
    await restoreArrays(model.parameters(), snapshot.weights);
    return {model, step, digest};
  } finally {
    snapshot.close();
  }
}
