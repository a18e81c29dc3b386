// Evaluations on disk: one JSON file in the run's folder `evaluations`, and its drawing beside it.

import {lstatSync, mkdirSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import {BmojoError} from '../errors/bmojo-error.js';
import {oneLine} from '../errors/shown.js';
import {parseRecord} from '../eval/report/parse-record.js';
import type {EvaluationRecord} from '../eval/report/record.js';
import {drawingOf} from '../eval/report/record.js';
import {refuseLink, removeDrafts, writeFileAtomic} from '../formats/atomic-file.js';
import {FolderLock, LOCK} from '../formats/folder-lock.js';
import {readTextFile, sealedJson, unsealJson} from '../formats/json-file.js';
import {noteOnce} from './notes.js';

/** An evaluation file of a run that cannot be read. */
export class EvaluationError extends BmojoError {
  override readonly name = 'EvaluationError';
  readonly kind = 'damage';
}

const FOLDER = 'evaluations';
/** Longer records are nobody's. */
const MOST_BYTES = 1 << 26;

/** What makes two evaluations the same: a later one replaces the earlier. */
const identity = ({command, step}: EvaluationRecord): string =>
  `${step} ${command.replace(/ --json\b/g, '')}`;

/** The evaluation in a file; nothing where it cannot be read. */
function identityIn(path: string): string | undefined {
  try {
    const {value} = unsealJson(readTextFile(path, unreadable, MOST_BYTES), unreadable);
    return identity(parseRecord(value, unreadable));
  } catch (error) {
    if (error instanceof EvaluationError) return undefined;
    throw error;
  }
}

function unreadable(reason: string): never {
  throw new EvaluationError(reason);
}

/** NAME, or NAME-2 and so on: the first that is free, holds the same evaluation, or holds nothing that can be read. */
function fileNameOf(folder: string, record: EvaluationRecord): string {
  for (let number = 1; ; number++) {
    const name = number === 1 ? record.name : `${record.name}-${number}`;
    const path = join(folder, `${name}.json`);
    if (lstatSync(path, {throwIfNoEntry: false}) === undefined) return name;
    const held = identityIn(path);
    if (held === undefined || held === identity(record)) return name;
  }
}

/**
 * Writes `NAME.json` and, where there is a drawing, `NAME.svg`; returns their paths. Evaluations by other commands or of
 * other weights are kept: the files are then NAME-2, NAME-3. Errors: FolderLockError where another process writes there for long.
 */
export function writeRecord(run: string, record: EvaluationRecord): string[] {
  const folder = join(run, FOLDER);
  refuseLink(folder);
  mkdirSync(folder, {recursive: true});
  // Evaluations side by side would take the same free name.
  return FolderLock.within(folder, () => {
    const name = fileNameOf(folder, record);
    removeDrafts(folder, [`${name}.json`, `${name}.svg`]);
    const json = join(folder, `${name}.json`);
    writeFileAtomic(json, sealedJson(record));
    const svg = drawingOf(record);
    if (svg === undefined) return [json];
    const image = join(folder, `${name}.svg`);
    writeFileAtomic(image, svg);
    return [json, image];
  });
}

/** The evaluations of a run, by name. Errors: EvaluationError for a file that is not one. */
export function readRecords(run: string): EvaluationRecord[] {
  const folder = join(run, FOLDER);
  const found = lstatSync(folder, {throwIfNoEntry: false});
  if (found === undefined) return [];
  if (!found.isDirectory())
    throw new EvaluationError(`${folder} must be a folder of its own, is a link or a file`);
  return readdirSync(folder)
    .filter(file => file.endsWith('.json') && file !== LOCK)
    .sort()
    .map(file => readRecord(join(folder, file)));
}

function readRecord(path: string): EvaluationRecord {
  const fail = (reason: string): never => {
    throw new EvaluationError(`${oneLine(path)} ${reason}; remove it or run the evaluation again`);
  };
  if (!lstatSync(path).isFile()) return fail('must be a file, is a link or a folder');
  const {value} = unsealJson(readTextFile(path, fail, MOST_BYTES), fail);
  if (typeof value.drawing === 'string')
    noteOnce(
      `${oneLine(path)} holds a finished drawing, which is left out; run the evaluation again to see it`,
    );
  return parseRecord(value, fail);
}
