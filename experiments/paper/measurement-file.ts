// What was measured of a run beyond its own evaluation, as a file of its folder: measured once.

import {lstatSync} from 'node:fs';
import {BmojoError} from '../../errors/bmojo-error.js';
import {oneLine} from '../../errors/shown.js';
import {writeFileAtomic} from '../../formats/atomic-file.js';
import {readTextFile, sealedJson, unsealJson} from '../../formats/json-file.js';
import type {Fail} from '../../formats/json-text.js';

/** A measurement of a run that cannot be read. */
export class MeasurementError extends BmojoError {
  override readonly name = 'MeasurementError';
  readonly kind = 'damage';
}

const MOST_BYTES = 1 << 20;

export function writeMeasurement(path: string, measured: object): void {
  writeFileAtomic(path, sealedJson(measured));
}

/** What was written, as `parse` takes it; undefined where no file is. Errors: MeasurementError for a damaged one. */
export function readMeasurement<T>(
  path: string,
  parse: (value: Readonly<Record<string, unknown>>, fail: Fail) => T,
): T | undefined {
  const found = lstatSync(path, {throwIfNoEntry: false});
  if (found === undefined) return undefined;
  const fail = (reason: string): never => {
    throw new MeasurementError(`${oneLine(path)} ${reason}; remove it, and the same command measures again`);
  };
  if (!found.isFile()) return fail('must be a file, is a link or a folder');
  const {value, sealed} = unsealJson(readTextFile(path, fail, MOST_BYTES), fail);
  if (!sealed) return fail('must end with its SHA-256');
  return parse(value, fail);
}
