// Finished runs of an experiment as lines of a file: what was trained on one machine counts on the next, where the experiment
// goes on.

import {SettingError} from '../../config/schema.js';
import {errorWords} from '../../errors/error-words.js';
import {oneLine, shown} from '../../errors/shown.js';
import {readTextFile} from '../../formats/json-file.js';
import type {Fail} from '../../formats/json-text.js';
import {isRecord, parseJson} from '../../formats/json-text.js';
import type {RunConfig} from '../run-config.js';
import {differences, parseStoredConfig} from '../run-config.js';
import {parseRunResult} from '../run-result.js';
import type {MeasuredRun, PlannedRun, RunOrigin} from './experiment.js';
import {parseLossByLength} from './loss-by-length.js';
import {MeasurementError} from './measurement-file.js';
import {parseRecallByLength} from './recall-by-length.js';

const MOST_BYTES = 1 << 26;

/** The settings that decide what a run comes to: not where it ran, nor where its text lay. */
function settingsOf({task, data: {data: _, ...data}, model, train}: RunConfig): object {
  return {task, data, model, train};
}

/** In which settings a line's run differs from the planned one; what the line does not know yet is at its default. */
function otherSettings(given: unknown, {config}: PlannedRun, fail: Fail): string[] {
  const {task, data, model, train} = recordOf(given, fail);
  if (task !== config.task) return [`task is ${shown(task)} there, ${config.task} here`];
  const {backend} = config;
  try {
    const there = parseStoredConfig(config.task, {
      backend,
      data: {...recordOf(data, fail), ...('data' in config.data ? {data: config.data.data} : {})},
      model: recordOf(model, fail),
      train: recordOf(train, fail),
    });
    return differences(there, config);
  } catch (error) {
    if (!(error instanceof SettingError)) throw error;
    return [errorWords(error)];
  }
}

/** A line for each run. */
export function runLines(runs: readonly MeasuredRun[]): string {
  return runs
    .map(({name, config, origin, result, tokensPerSecond, lengths, recall}) =>
      JSON.stringify({
        name,
        settings: settingsOf(config),
        ...origin,
        result,
        tokensPerSecond,
        lengths,
        recall,
      }),
    )
    .map(line => `${line}\n`)
    .join('');
}

/**
 * Those of the planned runs that the lines hold; lines of other runs are left alone. Errors: MeasurementError for a damaged
 * line, or one of a run that had other settings.
 */
export function readRunLines(path: string, planned: readonly PlannedRun[]): MeasuredRun[] {
  const broken = (reason: string): never => {
    throw new MeasurementError(`${oneLine(path)} ${reason}`);
  };
  const byName = new Map(planned.map(run => [run.name, run]));
  return readTextFile(path, broken, MOST_BYTES)
    .split('\n')
    .flatMap((text, i) => {
      if (text === '') return [];
      const fail = (reason: string): never => broken(`line ${i + 1} ${reason}`);
      const line = parseJson(text, fail);
      if (!isRecord(line)) return fail(`must be an object, got ${shown(line)}`);
      const run = byName.get(String(line.name));
      return run === undefined ? [] : [measured(line, run, fail)];
    });
}

function measured(
  {settings, result, tokensPerSecond, lengths, recall, ...line}: Readonly<Record<string, unknown>>,
  run: PlannedRun,
  fail: Fail,
): MeasuredRun {
  const others = otherSettings(settings, run, fail);
  if (others.length > 0)
    return fail(
      `is of ${run.name} with other settings than it has now (${others.join('; ')}); leave the line out`,
    );
  if (tokensPerSecond !== undefined && typeof tokensPerSecond !== 'number')
    return fail(`must hold tokensPerSecond as a number, got ${shown(tokensPerSecond)}`);
  return {
    ...run,
    origin: originOf(line, fail),
    result: parseRunResult(recordOf(result, fail), fail),
    tokensPerSecond,
    ...(lengths === undefined ? {} : {lengths: parseLossByLength(recordOf(lengths, fail), fail)}),
    ...(recall === undefined ? {} : {recall: parseRecallByLength(recordOf(recall, fail), fail)}),
  };
}

function recordOf(value: unknown, fail: Fail): Readonly<Record<string, unknown>> {
  return isRecord(value)
    ? value
    : fail(`must hold an object for settings and for each measurement, got ${shown(value)}`);
}

function originOf({machine, date, software}: Readonly<Record<string, unknown>>, fail: Fail): RunOrigin {
  if (typeof machine !== 'string' || typeof date !== 'string' || typeof software !== 'string')
    return fail('must hold machine, date and software as texts');
  return {machine, date, software};
}
