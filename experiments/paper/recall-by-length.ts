// The recall of a run by the length of what it reads, and by what a bounded store keeps, as a file of its folder: measured once.

import {shown} from '../../errors/shown.js';
import type {Fail} from '../../formats/json-text.js';
import {isCount, isRecord} from '../../formats/json-text.js';
import {readMeasurement, writeMeasurement} from './measurement-file.js';

/** Accuracy on sequences of several lengths. */
export interface RecallByLength {
  readonly points: readonly RecallPoint[];
}

export interface RecallPoint {
  /** Tokens and pairs of a sequence, such as 1024x64. */
  readonly part: string;
  readonly length: number;
  readonly questions: number;
  readonly accuracy: number;
  /** What a store of a share of the tokens kept; absent where everything is kept. */
  readonly kept?: string;
}

export function writeRecallByLength(path: string, measured: RecallByLength): void {
  writeMeasurement(path, measured);
}

/** What was written; undefined where no file is. Errors: MeasurementError for a damaged one. */
export function readRecallByLength(path: string): RecallByLength | undefined {
  return readMeasurement(path, parseRecallByLength);
}

/** Errors: what `fail` throws, with what is missing. */
export function parseRecallByLength({points}: Readonly<Record<string, unknown>>, fail: Fail): RecallByLength {
  if (!Array.isArray(points)) return fail('must hold points as a list');
  return {points: points.map(point => parsePoint(point, fail))};
}

function parsePoint(point: unknown, fail: Fail): RecallPoint {
  const {part, length, questions, accuracy, kept} = isRecord(point) ? point : {};
  if (
    typeof part !== 'string' ||
    !isCount(length) ||
    !isCount(questions) ||
    typeof accuracy !== 'number' ||
    !(kept === undefined || typeof kept === 'string')
  )
    return fail(`must hold points of part, length, questions and accuracy, got ${shown(point)}`);
  return {part, length, questions, accuracy, ...(kept === undefined ? {} : {kept})};
}
