// Evaluations on disk: one JSON file in the run's folder `evaluations`, and its drawing beside it.

import {existsSync, mkdirSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {BmojoError} from '../errors/bmojo-error.js';
import type {EvaluationRecord} from '../eval/report/record.js';
import {drawingOf} from '../eval/report/record.js';
import {writeFileAtomic} from '../formats/atomic-file.js';

/** An evaluation file that cannot be read. */
export class EvaluationError extends BmojoError {
  override readonly name = 'EvaluationError';
  readonly kind = 'damage';
}

const FOLDER = 'evaluations';
const KEYS = ['name', 'title', 'definition', 'source', 'command', 'step', 'table'] as const;

/** Writes `NAME.json` and, where there is a drawing, `NAME.svg`; returns their paths. */
export function writeRecord(run: string, record: EvaluationRecord): string[] {
  const folder = join(run, FOLDER);
  mkdirSync(folder, {recursive: true});
  const json = join(folder, `${record.name}.json`);
  writeFileAtomic(json, Buffer.from(`${JSON.stringify(record, null, 2)}\n`));
  const svg = drawingOf(record);
  if (svg === undefined) return [json];
  const image = join(folder, `${record.name}.svg`);
  writeFileAtomic(image, Buffer.from(svg));
  return [json, image];
}

/** The evaluations of a run, by name. Errors: EvaluationError for a file that is not one. */
export function readRecords(run: string): EvaluationRecord[] {
  const folder = join(run, FOLDER);
  if (!existsSync(folder)) return [];
  return readdirSync(folder)
    .filter(file => file.endsWith('.json'))
    .sort()
    .map(file => parseRecord(join(folder, file)));
}

function parseRecord(path: string): EvaluationRecord {
  let value: unknown;
  try {
    value = JSON.parse(readFileSync(path, 'utf8'));
  } catch (error) {
    throw new EvaluationError(
      `${path} must be JSON; ${error instanceof Error ? error.message : String(error)}`,
    );
  }
  const missing = KEYS.find(key => typeof value !== 'object' || value === null || !(key in value));
  if (missing !== undefined)
    throw new EvaluationError(
      `${path} is no evaluation: it has no '${missing}'; remove it or run the evaluation again`,
    );
  return value as EvaluationRecord;
}
