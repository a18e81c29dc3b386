// The folder of a run: config.json, metrics.jsonl, curve.svg, checkpoint/, model/ and result.json.

import {appendFileSync, existsSync, mkdirSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {RecallReport} from '../eval/recall.js';
import {linePlot} from '../plot/line-plot.js';
import {CheckpointFolder} from './checkpoint-folder.js';
import type {TrainEvent} from './events.js';
import type {RunConfig} from './run-config.js';
import {parseConfigText, parseRunConfig} from './run-config.js';

/** A run folder that is not there, not one, or would be overwritten. */
export class RunFolderError extends Error {
  override readonly name = 'RunFolderError';
}

/** What a finished run leaves as numbers. */
export interface RunResult {
  readonly step: number;
  readonly parameters: number;
  /** Bytes of memory that decoding one sequence of the task's length holds. */
  readonly stateBytes: number;
  readonly report: RecallReport;
}

interface MetricsLine {
  readonly step: number;
  readonly loss?: number;
  readonly accuracy?: number;
  readonly evaluated?: RecallReport;
}

export class RunFolder {
  readonly checkpoints: CheckpointFolder;

  private constructor(
    readonly path: string,
    readonly config: RunConfig,
  ) {
    this.checkpoints = new CheckpointFolder(join(path, 'checkpoint'));
  }

  /** A new run. Errors: RunFolderError when the folder exists and is not empty. */
  static create(path: string, config: RunConfig): RunFolder {
    if (existsSync(path) && readdirSync(path).length > 0) {
      throw new RunFolderError(
        `${path} exists and is not empty; continue that run with --resume, or choose another folder with --out`,
      );
    }
    mkdirSync(path, {recursive: true});
    writeFileSync(join(path, 'config.json'), `${JSON.stringify(config, null, 2)}\n`);
    return new RunFolder(path, config);
  }

  /** A run that exists. Errors: RunFolderError when it has no config.json; SettingError when that is wrong. */
  static open(path: string): RunFolder {
    const file = join(path, 'config.json');
    if (!existsSync(file)) throw new RunFolderError(`${path} is no run folder: it has no config.json`);
    const {task, ...given} = parseConfigText(file, readFileSync(file, 'utf8'));
    if (task === undefined) throw new RunFolderError(`${file} names no task`);
    return new RunFolder(path, parseRunConfig(task, given));
  }

  get finished(): boolean {
    return existsSync(join(this.path, 'result.json'));
  }

  readResult(): RunResult {
    return JSON.parse(readFileSync(join(this.path, 'result.json'), 'utf8'));
  }

  writeResult(result: RunResult): void {
    writeFileSync(join(this.path, 'result.json'), `${JSON.stringify(result, null, 2)}\n`);
  }

  /** Drops what was written after `step`, so that a resumed run's metrics equal an uninterrupted one's. */
  rewindMetrics(step: number): void {
    const kept = this.readMetrics().filter(line => line.step <= step);
    writeFileSync(this.metricsPath, kept.map(line => `${JSON.stringify(line)}\n`).join(''));
  }

  /** Appends an event to metrics.jsonl: every `logEvery`-th step, the first and the last, and every evaluation. */
  record(event: TrainEvent): void {
    const {logEvery, steps} = this.config.train;
    if (event.type === 'step') {
      const {type, ...numbers} = event;
      if (event.step === 1 || event.step === steps || event.step % logEvery === 0) this.append(numbers);
    } else if (event.type === 'evaluated') {
      this.append({step: event.step, evaluated: event.report});
    }
  }

  /** The evaluations so far. */
  evaluations(): {step: number; report: RecallReport}[] {
    return this.readMetrics().flatMap(({step, evaluated}) =>
      evaluated === undefined ? [] : [{step, report: evaluated}],
    );
  }

  /** Draws curve.svg from metrics.jsonl. */
  writeCurve(): void {
    const lines = this.readMetrics();
    const steps = lines.filter(line => line.accuracy !== undefined);
    const evaluations = lines.filter(line => line.evaluated !== undefined);
    const beyond = evaluations.filter(line => (line.evaluated?.beyondReach?.queries ?? 0) > 0);
    const svg = linePlot({
      title: `${this.config.model.preset} on ${this.config.task}`,
      xLabel: 'step',
      yLabel: 'accuracy',
      yRange: [0, 1],
      series: [
        {name: 'training batches', points: steps.map(line => [line.step, line.accuracy ?? 0] as const)},
        {
          name: 'held out',
          points: evaluations.map(line => [line.step, line.evaluated?.accuracy ?? 0] as const),
        },
        {
          name: 'held out, farther back than all windows reach',
          points: beyond.map(line => [line.step, line.evaluated?.beyondReach?.accuracy ?? 0] as const),
        },
      ].filter(series => series.points.length > 0),
    });
    writeFileSync(join(this.path, 'curve.svg'), svg);
  }

  private get metricsPath(): string {
    return join(this.path, 'metrics.jsonl');
  }

  private append(line: MetricsLine): void {
    appendFileSync(this.metricsPath, `${JSON.stringify(line)}\n`);
  }

  private readMetrics(): MetricsLine[] {
    if (!existsSync(this.metricsPath)) return [];
    // A killed process may leave half a line at the end: that line is dropped.
    return readFileSync(this.metricsPath, 'utf8')
      .split('\n')
      .flatMap(line => (line.endsWith('}') ? [JSON.parse(line) as MetricsLine] : []));
  }
}
