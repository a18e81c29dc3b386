// An experiment of the paper from its plan to files: trains what is missing, measures what has finished, writes what came out.

import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {withoutPlaces} from '../../eval/report/places.js';
import {markdownTable} from '../../eval/table.js';
import {RunFolder, RunFolderError} from '../run-folder.js';
import type {NamedEvent, NamedRun} from '../run-set.js';
import {trainAll} from '../run-set.js';
import type {
  MeasuredRun,
  PaperExperiment,
  PaperOptions,
  PaperReport,
  PlannedRun,
  RunOrigin,
} from './experiment.js';
import {readLossByLength, writeLossByLength} from './loss-by-length.js';
import {readRecallByLength, writeRecallByLength} from './recall-by-length.js';
import {readRunLines, runLines} from './run-lines.js';
import {seedsOf} from './summary.js';

/** Options of {@link trainExperiment}: `out`, `jobs` and `command` must be given. */
export interface ReproduceOptions extends PaperOptions {
  /** Folder of the runs and of what came out. */
  readonly out: string;
  readonly jobs: number;
  /** Files runs.jsonl of earlier reports: the runs in them have finished, whatever `out` holds; of one in several the last counts. */
  readonly add?: readonly string[];
  /** The command as it was typed. */
  readonly command: string;
  readonly signal?: AbortSignal;
}

/** What is written, and how much of the plan it rests on. */
export interface Reproduction {
  readonly report: PaperReport;
  readonly files: Readonly<Record<string, string>>;
  readonly finished: number;
  readonly planned: number;
}

const runsIn = (out: string, runs: readonly PlannedRun[]): NamedRun[] =>
  runs.map(({name, config}) => ({name, path: join(out, 'runs', name), config}));

/**
 * Trains every run of an experiment that has not finished, and yields their events. Errors: as of `trainAll`, and SettingError
 * for settings that do not go together.
 */
export async function* trainExperiment(
  experiment: PaperExperiment,
  {out, jobs, command, signal, add, ...options}: ReproduceOptions,
): AsyncGenerator<NamedEvent, void, void> {
  const planned = experiment.plan(options);
  const known = new Set(addedRuns(add, planned).map(({name}) => name));
  const left = planned.filter(({name}) => !known.has(name));
  // A time needs no weights, and the largest models write more of them than a disk may hold.
  yield* trainAll(runsIn(out, left), {jobs, command, keepsWeights: experiment.isTimed !== true, signal});
}

/** The planned runs that files of earlier reports hold, as often as they do. Errors: MeasurementError. */
export function addedRuns(add: readonly string[] = [], planned: readonly PlannedRun[]): MeasuredRun[] {
  return add.flatMap(path => readRunLines(path, planned));
}

/** Median speed over the logged steps but the first; none of a run that ever shared the machine with others. */
function speedOf(folder: RunFolder): number | undefined {
  if (folder.sessions().some(({together = 1}) => together > 1)) return undefined;
  const speeds = folder
    .readMetrics()
    .flatMap(({tokensPerSecond}) => (tokensPerSecond === undefined ? [] : [tokensPerSecond]))
    .slice(1)
    .sort((a, b) => a - b);
  return speeds.length === 0 ? undefined : speeds[Math.floor(speeds.length / 2)];
}

/** A measurement of a run: made once, then read from its folder. */
async function measuredOnce<T>(
  path: string,
  {read, write}: {read(path: string): T | undefined; write(path: string, measured: T): void},
  measure: (() => Promise<T>) | undefined,
): Promise<T | undefined> {
  if (measure === undefined) return undefined;
  const known = read(path);
  if (known !== undefined) return known;
  const measured = await measure();
  write(path, measured);
  return measured;
}

const LENGTHS = 'lengths.json';
const RECALL = 'recall.json';

/** Whether all that an experiment asks of a run beyond its own evaluation is in its folder. */
function isMeasured({measure, measureRecall}: PaperExperiment, {path}: RunFolder): boolean {
  const asked = [
    ...(measure === undefined ? [] : [LENGTHS]),
    ...(measureRecall === undefined ? [] : [RECALL]),
  ];
  return asked.every(file => existsSync(join(path, file)));
}

/** What an experiment asks of a run beyond its own evaluation. */
async function measurementsOf(
  {measure, measureRecall}: PaperExperiment,
  folder: RunFolder,
  options: PaperOptions,
): Promise<Pick<MeasuredRun, 'lengths' | 'recall'>> {
  return {
    lengths: await measuredOnce(
      join(folder.path, LENGTHS),
      {read: readLossByLength, write: writeLossByLength},
      measure && (() => measure(folder, options)),
    ),
    recall: await measuredOnce(
      join(folder.path, RECALL),
      {read: readRecallByLength, write: writeRecallByLength},
      measureRecall && (() => measureRecall(folder, options)),
    ),
  };
}

/** The folder of a run that has finished. Errors: those of `RunFolder.open`. */
function finishedFolder(out: string, {name}: PlannedRun): RunFolder | undefined {
  const path = join(out, 'runs', name);
  if (!existsSync(join(path, 'config.json'))) return undefined;
  const folder = RunFolder.open(path);
  return folder.finished ? folder : undefined;
}

/**
 * Measures a run that has just finished, where the experiment asks for more of it than its own evaluation, so that this counts
 * whatever ends the process before the report. Whether there was something to measure. A run that cannot be measured now is
 * left to the report, which tells why: an error here would end the trainings beside it.
 */
export async function measureFinished(
  experiment: PaperExperiment,
  {out, ...options}: PaperOptions & {readonly out: string},
  name: string,
): Promise<boolean> {
  try {
    const run = experiment.plan(options).find(one => one.name === name);
    const folder = run && finishedFolder(out, run);
    if (folder === undefined || isMeasured(experiment, folder)) return false;
    await measurementsOf(experiment, folder, options);
    return true;
  } catch {
    return false;
  }
}

/** A run with all that is known of it. */
async function measuredRun(
  experiment: PaperExperiment,
  run: PlannedRun,
  folder: RunFolder,
  options: PaperOptions,
): Promise<MeasuredRun> {
  const more = await measurementsOf(experiment, folder, options);
  const [origin, result] = [originOf(folder), folder.readResult()];
  return {...run, origin, result, tokensPerSecond: speedOf(folder), ...more};
}

/**
 * The lines of all runs that have finished and want no measuring, as runs.jsonl has them; what is damaged is left to the report.
 * Errors: MeasurementError for a damaged file of `add`.
 */
export async function linesSoFar(
  experiment: PaperExperiment,
  {out, add, ...options}: PaperOptions & Pick<ReproduceOptions, 'out' | 'add'>,
): Promise<string> {
  const planned = experiment.plan(options);
  const added = new Map(addedRuns(add, planned).map(run => [run.name, run]));
  const finished = async (run: PlannedRun): Promise<MeasuredRun | undefined> => {
    try {
      const folder = finishedFolder(out, run);
      if (folder === undefined || !isMeasured(experiment, folder)) return undefined;
      return await measuredRun(experiment, run, folder, options);
    } catch {
      return undefined;
    }
  };
  const lines = await Promise.all(planned.map(run => added.get(run.name) ?? finished(run)));
  return runLines(lines.filter(line => line !== undefined));
}

/**
 * What came out of the runs that have finished: the report, and the files of a kept result (result.json, command.txt,
 * machine.json, plot.svg, and runs.jsonl with a line for each run) with a report in words. Undefined before the first run has finished.
 * `onMeasured` is told of each run that is measured now, with the lines of all that are known by then: measuring takes long.
 * Errors: MeasurementError for a damaged measurement; those of `RunFolder.open`.
 */
export async function reportExperiment(
  experiment: PaperExperiment,
  {out, command, add, ...options}: ReproduceOptions,
  onMeasured: (name: string, lines: string) => void = () => {},
): Promise<Reproduction | undefined> {
  const planned = experiment.plan(options);
  const known = new Map(addedRuns(add, planned).map(run => [run.name, run]));
  const inOrder = (): MeasuredRun[] => planned.flatMap(({name}) => known.get(name) ?? []);
  const finished = planned.flatMap(run => {
    const folder = known.has(run.name) ? undefined : finishedFolder(out, run);
    return folder === undefined ? [] : [{run, folder, isKnown: isMeasured(experiment, folder)}];
  });
  // What needs no measuring comes first, so that the lines of a run that is measured hold it.
  for (const {run, folder, isKnown} of finished.sort((a, b) => Number(b.isKnown) - Number(a.isKnown))) {
    known.set(run.name, await measuredRun(experiment, run, folder, options));
    if (!isKnown) onMeasured(run.name, runLines(inOrder()));
  }
  const measured = inOrder();
  if (measured.length === 0) return undefined;
  const report = experiment.report(measured);
  const counts = {finished: measured.length, planned: planned.length};
  return {report, files: filesOf(experiment, report, measured, {...options, ...counts, command}), ...counts};
}

function filesOf(
  {title, section, claim}: PaperExperiment,
  {plot, finding, notes, ...report}: PaperReport,
  measured: readonly MeasuredRun[],
  {quick, command, finished, planned}: {quick: boolean; command: string; finished: number; planned: number},
): Record<string, string> {
  const missing =
    finished < planned ? [`${planned - finished} of ${planned} runs have not finished or diverged.`] : [];
  const small = quick ? ['The quick form: it shows that the command works, and nothing of the claim.'] : [];
  const words = [`The paper: ${claim}`, ...notes, ...small, ...missing];
  const result = {section, title, finding, ...report, notes: words};
  const tables = report.tables.map(
    ({caption, rows}) => `${caption === undefined ? '' : `${caption}\n\n`}${markdownTable(rows)}`,
  );
  const json = (value: object): string => `${JSON.stringify(value, null, 2)}\n`;
  return {
    'result.json': json(result),
    'command.txt': `${withoutPlaces(command)}\n`,
    'machine.json': json({
      machine: each(measured, ({origin}) => origin.machine).join(' and '),
      date: each(measured, ({origin}) => origin.date)
        .sort()
        .at(-1),
      seeds: seedsOf(measured),
      software: each(measured, ({origin}) => origin.software).join(', '),
    }),
    'runs.jsonl': runLines(measured),
    'report.md': [`# ${title}`, `The paper: ${claim}`, finding, ...tables, ...words.slice(1)]
      .join('\n\n')
      .concat('\n'),
    ...(plot === undefined ? {} : {'plot.svg': plot}),
  };
}

/** What all runs have, each once. */
function each(runs: readonly MeasuredRun[], of: (run: MeasuredRun) => string): string[] {
  return [...new Set(runs.map(of))];
}

/** Of the process that finished it, which may be of another day or machine than the report. Errors: RunFolderError where nobody says. */
function originOf(folder: RunFolder): RunOrigin {
  const last = folder.sessions().at(-1);
  if (last === undefined)
    throw new RunFolderError(
      `${folder.path} has no sessions.jsonl, which says where and when it was trained; remove the folder to train it again`,
    );
  const {machine, date, version, backend, device} = last;
  const where = device === undefined ? backend : `${backend} on ${device}`;
  return {machine: `${machine}; ${where}`, date: date.slice(0, 10), software: `bmojo ${version}`};
}
