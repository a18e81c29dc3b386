// The folder of a run: config.json, changes.jsonl where they were changed on the way, metrics.jsonl, events for TensorBoard, curve.svg, checkpoint/, best/, model/ and result.json; what the
// workload adds, such as tokenizer.json.

import {
  appendFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {BmojoError} from '../errors/bmojo-error.js';
import {writeFileAtomic} from '../formats/atomic-file.js';
import {linePlot} from '../plot/line-plot.js';
import type {TrainEvent} from '../train/events.js';
import {CheckpointFolder} from './checkpoint-folder.js';
import {EventLog} from './event-log.js';
import type {MetricsLine, Report} from './families/index.js';
import {workloadFamily} from './families/index.js';
import type {RunConfig} from './run-config.js';
import {parseConfigText, parseStoredConfig} from './run-config.js';

/** A run folder that is not there, not one, or would be overwritten. */
export class RunFolderError extends BmojoError {
  override readonly name = 'RunFolderError';
  readonly kind = 'damage';
}

/** What a finished run leaves as numbers. */
export interface RunResult {
  readonly step: number;
  readonly parameters: number;
  /** Bytes of memory that decoding one sequence of the task's length holds. */
  readonly stateBytes: number;
  readonly report: Report;
  /** Tokens trained on in a second, by the process that finished the run; evaluations do not count. */
  readonly tokensPerSecond?: number;
}

function configText(config: RunConfig): string {
  return `${JSON.stringify(config, null, 2)}\n`;
}

export class RunFolder {
  /** The last state, from which a run goes on. */
  readonly checkpoints: CheckpointFolder;
  /** The state of the best evaluation. */
  readonly best: CheckpointFolder;
  private events: EventLog | undefined;

  private constructor(
    readonly path: string,
    private settings: RunConfig,
  ) {
    this.checkpoints = new CheckpointFolder(join(path, 'checkpoint'));
    this.best = new CheckpointFolder(join(path, 'best'));
  }

  get config(): RunConfig {
    return this.settings;
  }

  /**
   * Goes on with other settings and notes them, in words, in changes.jsonl; a run that had finished has not any more when it
   * gets more steps.
   */
  change(config: RunConfig, words: readonly string[]): void {
    const line = JSON.stringify({step: this.checkpoints.lastStep ?? 0, changes: words});
    appendFileSync(join(this.path, 'changes.jsonl'), `${line}\n`);
    if (config.train.steps > this.settings.train.steps) rmSync(join(this.path, 'result.json'), {force: true});
    writeFileAtomic(join(this.path, 'config.json'), Buffer.from(configText(config)));
    this.settings = config;
  }

  /** A new run. Errors: RunFolderError when the folder exists and is not empty. */
  static create(path: string, config: RunConfig): RunFolder {
    if (existsSync(path) && readdirSync(path).length > 0) {
      throw new RunFolderError(
        `${path} exists and is not empty; continue that run with --resume, or choose another folder with --out`,
      );
    }
    mkdirSync(path, {recursive: true});
    workloadFamily(config.task).keepFiles?.(config, path);
    writeFileSync(join(path, 'config.json'), configText(config));
    return new RunFolder(path, config);
  }

  /** A run that exists. Errors: RunFolderError when it has no config.json; SettingError when that is wrong. */
  static open(path: string): RunFolder {
    const file = join(path, 'config.json');
    if (!existsSync(file)) throw new RunFolderError(`${path} is no run folder: it has no config.json`);
    const {task, ...given} = parseConfigText(file, readFileSync(file, 'utf8'));
    if (task === undefined) throw new RunFolderError(`${file} names no task`);
    return new RunFolder(path, parseStoredConfig(task, given));
  }

  get finished(): boolean {
    return existsSync(join(this.path, 'result.json'));
  }

  /** Errors: RunFolderError when it is damaged. */
  readResult(): RunResult {
    const path = join(this.path, 'result.json');
    try {
      return JSON.parse(readFileSync(path, 'utf8'));
    } catch {
      throw new RunFolderError(`${path} is damaged: it must be JSON; --resume writes it again`);
    }
  }

  writeResult(result: RunResult): void {
    writeFileSync(join(this.path, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  }

  /** Begins to write behind `step`: drops what came later, so that a resumed run's metrics equal an uninterrupted one's. */
  rewindMetrics(step: number): void {
    const kept = this.readMetrics().filter(line => line.step <= step);
    writeFileSync(this.metricsPath, kept.map(line => `${JSON.stringify(line)}\n`).join(''));
    this.events = new EventLog(this.path, step);
  }

  /** Appends an event to metrics.jsonl: every `logEvery`-th step, the first and the last, and every evaluation. */
  record(event: TrainEvent<Report>): void {
    const {logEvery, steps} = this.config.train;
    if (event.type === 'step') {
      const {type, ...numbers} = event;
      if (event.step === 1 || event.step === steps || event.step % logEvery === 0) this.append(numbers);
    } else if (event.type === 'evaluated') {
      this.append({step: event.step, evaluated: event.report});
    }
  }

  /** The evaluations so far. */
  evaluations(): {step: number; report: Report}[] {
    return this.readMetrics().flatMap(({step, evaluated}) =>
      evaluated === undefined ? [] : [{step, report: evaluated}],
    );
  }

  /** Draws curve.svg from metrics.jsonl. */
  writeCurve(): void {
    const {preset} = this.config.model;
    const family = workloadFamily(this.config.task);
    const svg = linePlot(family.curve(`${preset} on ${family.name}`, this.readMetrics()));
    writeFileSync(join(this.path, 'curve.svg'), svg);
  }

  private get metricsPath(): string {
    return join(this.path, 'metrics.jsonl');
  }

  private append(line: MetricsLine): void {
    appendFileSync(this.metricsPath, `${JSON.stringify(line)}\n`);
    this.events?.add(line);
  }

  private parseLine(line: string, number: number): MetricsLine {
    try {
      return JSON.parse(line);
    } catch {
      throw new RunFolderError(
        `${this.metricsPath} line ${number} is damaged: it must be JSON; mend or remove it`,
      );
    }
  }

  private readMetrics(): MetricsLine[] {
    if (!existsSync(this.metricsPath)) return [];
    // A killed process may leave half a line at the end: that line is dropped.
    return readFileSync(this.metricsPath, 'utf8')
      .split('\n')
      .flatMap((line, i) => (line.endsWith('}') ? [this.parseLine(line, i + 1)] : []));
  }
}
