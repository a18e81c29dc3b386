// The loss of a run by the length of what came before, as a file of its folder: measured once.

import {shown} from '../../errors/shown.js';
import type {Fail} from '../../formats/json-text.js';
import {isCount, isRecord} from '../../formats/json-text.js';
import {readMeasurement, writeMeasurement} from './measurement-file.js';

/** The loss of the same tokens after prefixes of several lengths. */
export interface LossByLength {
  readonly windows: number;
  /** The prefix that the others are compared with. */
  readonly reference: number;
  readonly points: readonly LengthPoint[];
}

interface LengthPoint {
  /** Tokens before the scored ones. */
  readonly prefix: number;
  /** Nats a token. */
  readonly loss: number;
  /** How much more than after the reference, with its standard error over windows; absent for one window. */
  readonly change: {readonly mean: number; readonly error?: number};
  /** Nats a token of each window, where models are compared window by window. */
  readonly windowLosses?: readonly number[];
}

export function writeLossByLength(path: string, measured: LossByLength): void {
  writeMeasurement(path, measured);
}

/** What was written; undefined where no file is. Errors: MeasurementError for a damaged one. */
export function readLossByLength(path: string): LossByLength | undefined {
  return readMeasurement(path, parseLossByLength);
}

/** Errors: what `fail` throws, with what is missing. */
export function parseLossByLength(
  {windows, reference, points}: Readonly<Record<string, unknown>>,
  fail: Fail,
): LossByLength {
  if (!isCount(windows) || !isCount(reference) || !Array.isArray(points))
    return fail('must hold windows and reference as whole numbers and points as a list');
  return {windows, reference, points: points.map(point => parsePoint(point, fail))};
}

function parsePoint(point: unknown, fail: Fail): LengthPoint {
  const {prefix, loss, change, windowLosses} = isRecord(point) ? point : {};
  const {mean, error} = isRecord(change) ? change : {};
  if (
    !isCount(prefix) ||
    typeof loss !== 'number' ||
    typeof mean !== 'number' ||
    !(error === undefined || typeof error === 'number') ||
    !(windowLosses === undefined || isNumbers(windowLosses))
  )
    return fail(`must hold points of prefix, loss and change, got ${shown(point)}`);
  return {
    prefix,
    loss,
    change: error === undefined ? {mean} : {mean, error},
    ...(windowLosses === undefined ? {} : {windowLosses}),
  };
}

function isNumbers(value: unknown): value is number[] {
  return Array.isArray(value) && value.every(one => typeof one === 'number');
}
