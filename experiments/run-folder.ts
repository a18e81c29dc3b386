// The folder of a run: config.json, changes.jsonl where they were changed on the way, sessions.jsonl of the processes that
// worked on it, metrics.jsonl, events for TensorBoard, curve.svg, checkpoint/, best/, model/, model-best/ and result.json; what
// the workload adds, such as tokenizer.json, and generation.json of a model from elsewhere: how text is written with it.

import {existsSync, mkdirSync, readdirSync, rmdirSync, rmSync} from 'node:fs';
import {join} from 'node:path';
import {errorWords} from '../errors/error-words.js';
import {appendLine, isDraft, refuseLink, removeDrafts, writeFileAtomic} from '../formats/atomic-file.js';
import {FolderLock, LOCK} from '../formats/folder-lock.js';
import {readTextFile, sealedJson, unsealJson} from '../formats/json-file.js';
import type {CardGeneration} from '../models/model-folder/index.js';
import {parseGenerationJson} from '../models/model-folder/parse-card.js';
import type {LinePlot} from '../plot/line-plot.js';
import {linePlot} from '../plot/line-plot.js';
import type {TrainEvent} from '../train/events.js';
import {Stopwatch} from '../train/stopwatch.js';
import {CheckpointFolder} from './checkpoint-folder.js';
import {EventLog} from './event-log.js';
import type {MetricsLine, Report} from './families/index.js';
import {workloadFamily} from './families/index.js';
import {MetricsLog} from './metrics-log.js';
import {noteUnsealed} from './notes.js';
import type {Probe} from './probe.js';
import {provenance} from './provenance.js';
import type {RunConfig} from './run-config.js';
import {parseConfigJson, parseStoredConfig} from './run-config.js';
import {RunFolderError} from './run-folder-error.js';
import type {RunResult} from './run-result.js';
import {parseRunResult} from './run-result.js';
import type {Session} from './sessions.js';
import {noteSession, readSessions} from './sessions.js';

export {RunFolderError} from './run-folder-error.js';

const CONFIG = 'config.json';
const CHANGES = 'changes.jsonl';
const METRICS = 'metrics.jsonl';
const SESSIONS = 'sessions.jsonl';
const CURVE = 'curve.svg';
const RESULT = 'result.json';
const TOKENIZER = 'tokenizer.json';
const GENERATION = 'generation.json';
const FILES = [CONFIG, CHANGES, SESSIONS, METRICS, CURVE, RESULT, TOKENIZER, GENERATION];

/**
 * The folder of a run: its settings, metrics, checkpoints, models and result; one process at a time writes
 * there.
 *
 * Errors: RunFolderError for a folder that holds something else or is damaged, FolderLockError while another
 * process writes.
 */
export class RunFolder {
  /** The last state, from which a run goes on. */
  readonly checkpoints: CheckpointFolder;
  /** The state of the best evaluation. */
  readonly best: CheckpointFolder;
  private readonly metrics: MetricsLog;
  private events: EventLog | undefined;
  private readonly stopwatch = new Stopwatch();
  private owned: FolderLock | undefined;

  private constructor(
    readonly path: string,
    private settings: RunConfig,
  ) {
    this.metrics = new MetricsLog(join(path, METRICS));
    const beside = () => ({[METRICS]: this.metrics.settled()});
    this.checkpoints = new CheckpointFolder(join(path, 'checkpoint'), {beside});
    this.best = new CheckpointFolder(join(path, 'best'));
  }

  get config(): RunConfig {
    return this.settings;
  }

  /** Makes this process the only one that writes here; once is enough. Errors: FolderLockError. */
  lock(): void {
    this.owned ??= FolderLock.take(this.path);
    removeDrafts(this.path, FILES);
  }

  /** Lets other processes write here. */
  release(): void {
    this.owned?.release();
    this.owned = undefined;
  }

  /**
   * Goes on with other settings and notes them, in words, in changes.jsonl; a run that had finished has not any more when it
   * gets more steps.
   */
  change(config: RunConfig, words: readonly string[]): void {
    const line = JSON.stringify({step: this.checkpoints.lastStep ?? 0, changes: words});
    appendLine(join(this.path, CHANGES), line);
    if (config.train.steps > this.settings.train.steps) rmSync(join(this.path, RESULT), {force: true});
    writeFileAtomic(join(this.path, CONFIG), sealedJson(config));
    this.settings = config;
  }

  /** Errors: RunFolderError when the folder exists and is not empty but for what a killed process left before its run had begun. */
  static checkFree(path: string): void {
    const isOurs = (name: string): boolean => [LOCK, TOKENIZER, GENERATION].includes(name) || isDraft(name);
    if (existsSync(path) && !readdirSync(path).every(isOurs))
      throw new RunFolderError(
        `${path} exists and is not empty; continue that run with --resume, or choose another folder with --out`,
      );
  }

  /**
   * A new run, locked; `generation` is what the model that it begins with says of how text is written. Errors: as of `checkFree`;
   * FolderLockError.
   */
  static create(
    path: string,
    config: RunConfig,
    {generation}: {generation?: CardGeneration} = {},
  ): RunFolder {
    const existed = existsSync(path);
    RunFolder.checkFree(path);
    mkdirSync(path, {recursive: true});
    const lock = FolderLock.take(path);
    try {
      RunFolder.checkFree(path);
      removeDrafts(path, [...FILES, LOCK]);
      workloadFamily(config.task).keepFiles?.(config, path);
      rmSync(join(path, GENERATION), {force: true});
      if (generation !== undefined) writeFileAtomic(join(path, GENERATION), sealedJson(generation));
      writeFileAtomic(join(path, CONFIG), sealedJson(config));
      const folder = new RunFolder(path, config);
      folder.owned = lock;
      return folder;
    } catch (error) {
      lock.release();
      if (!existed && readdirSync(path).length === 0) rmdirSync(path);
      throw error;
    }
  }

  /** A run that exists. Errors: RunFolderError when it has no config.json; SettingError when that is wrong. */
  static open(path: string): RunFolder {
    const file = join(path, CONFIG);
    if (!existsSync(file)) throw new RunFolderError(`${path} is no run folder: it has no config.json`);
    const fail = (reason: string): never => {
      throw new RunFolderError(`${file} ${reason}`);
    };
    const {value, sealed} = unsealJson(readTextFile(file, fail), fail);
    const {task, ...given} = parseConfigJson(file, value);
    if (task === undefined) throw new RunFolderError(`${file} names no task`);
    const folder = new RunFolder(path, parseStoredConfig(task, given));
    if (!sealed || !folder.checkpoints.sealed) noteUnsealed(path);
    return folder;
  }

  /** How text is written with its model; undefined where it began with none that says so. Errors: RunFolderError, ModelFormatError. */
  readGeneration(): CardGeneration | undefined {
    const path = join(this.path, GENERATION);
    if (!existsSync(path)) return undefined;
    const fail = (reason: string): never => {
      throw new RunFolderError(`${path} ${reason}`);
    };
    return parseGenerationJson(path, unsealJson(readTextFile(path, fail), fail).value);
  }

  get finished(): boolean {
    return existsSync(join(this.path, RESULT));
  }

  /** Errors: RunFolderError when it is damaged. */
  readResult(): RunResult {
    const path = join(this.path, RESULT);
    const fail = (reason: string): never => {
      throw new RunFolderError(`${path} ${reason}; --resume writes it again`);
    };
    const {value} = unsealJson(readTextFile(path, fail), fail);
    return parseRunResult(value, fail);
  }

  /** Errors: RunFolderError that holds the whole result, where it cannot be written. */
  writeResult(result: RunResult): void {
    const path = join(this.path, RESULT);
    try {
      writeFileAtomic(path, sealedJson(result));
    } catch (error) {
      throw new RunFolderError(
        `${path} cannot be written (${errorWords(error)}); the result: ${JSON.stringify(result)}`,
      );
    }
  }

  /** Everything that a resumed run takes from the folder is sound. Errors: RunFolderError, FilePlaceError. */
  check(): void {
    for (const name of [...FILES, 'checkpoint', 'best', 'model', 'model-best'])
      refuseLink(join(this.path, name));
    this.readMetrics();
    if (this.finished) this.readResult();
    this.readGeneration();
  }

  /** Errors: RunFolderError when a run without a checkpoint had one, or began with other weights than random ones. */
  checkUnbegun(): void {
    if (existsSync(join(this.path, CHANGES)) || this.finished || this.readMetrics().length > 0)
      throw new RunFolderError(
        `${this.path} has no checkpoint to go on from, though it had begun; remove it and begin again`,
      );
  }

  /**
   * Notes in sessions.jsonl that a process goes on with the run, and what it is; `device`: the GPU, where one computes;
   * `together`: runs that are trained at the same time.
   */
  begin(
    step: number,
    {command, device, together = 1}: {command?: string} & Pick<Session, 'device' | 'together'> = {},
  ): void {
    const {backend, train, model} = this.settings;
    const seeds = {samples: train.seed, weights: model.seed};
    noteSession(join(this.path, SESSIONS), {
      step,
      ...(command === undefined ? {} : {command}),
      backend,
      ...(device === undefined ? {} : {device}),
      ...(together > 1 ? {together} : {}),
      ...provenance(seeds),
    });
  }

  /** The processes that worked on it, in order. Errors: RunFolderError when the file is damaged. */
  sessions(): Session[] {
    return readSessions(join(this.path, SESSIONS));
  }

  /** Begins to write behind `step`: drops what came later, so that a resumed run's metrics equal an uninterrupted one's but for the times. */
  rewindMetrics(step: number): void {
    this.metrics.rewind(step, this.checkpoints.beside[METRICS]);
    this.events = new EventLog(this.path, this.config, step);
  }

  /** Appends an event to metrics.jsonl: every `logEvery`-th step, the first and the last, and every evaluation. */
  record(event: TrainEvent<Report>): void {
    const {logEvery, steps} = this.config.train;
    this.stopwatch.see(event);
    if (event.type === 'step') {
      const {type, ...numbers} = event;
      if (event.step === 1 || event.step === steps || event.step % logEvery === 0)
        this.append({...numbers, ...this.stopwatch.lap()});
    } else if (event.type === 'evaluated') {
      this.append({step: event.step, evaluated: event.report});
    }
  }

  /** Keeps for TensorBoard what was seen of the model beside an evaluation. */
  show(step: number, seen: Probe): void {
    this.events?.show(step, seen);
  }

  /** The evaluations so far. */
  evaluations(): {step: number; report: Report}[] {
    return this.readMetrics().flatMap(({step, evaluated}) =>
      evaluated === undefined ? [] : [{step, report: evaluated}],
    );
  }

  /** The learning curve, from metrics.jsonl. */
  curve(): LinePlot {
    const {preset} = this.config.model;
    const family = workloadFamily(this.config.task);
    return family.curve(`${preset} on ${family.name}`, this.readMetrics(), this.config);
  }

  /** Draws curve.svg. */
  writeCurve(): void {
    writeFileAtomic(join(this.path, CURVE), linePlot(this.curve()));
  }

  private append(given: MetricsLine): void {
    const line = {...given, time: Date.now() / 1000};
    this.metrics.append(line);
    this.events?.add(line);
  }

  /** The lines of metrics.jsonl. Errors: RunFolderError when it is damaged. */
  readMetrics(): MetricsLine[] {
    return this.metrics.read(this.checkpoints.beside[METRICS]);
  }
}
