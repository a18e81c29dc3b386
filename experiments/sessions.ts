// sessions.jsonl of a run: a line for each process that worked on it, with what it was and where.

import {existsSync} from 'node:fs';
import {shown} from '../errors/shown.js';
import type {Provenance} from '../eval/report/provenance.js';
import {appendLine} from '../formats/atomic-file.js';
import {readTextFile} from '../formats/json-file.js';
import {wholeLines} from '../formats/json-lines.js';
import {isCount, isRecord, parseJson} from '../formats/json-text.js';
import {RunFolderError} from './run-folder-error.js';

/** A process that worked on a run. */
export interface Session extends Pick<Provenance, 'version' | 'date' | 'machine'> {
  readonly backend: string;
  /** The GPU, where one computed. */
  readonly device?: string;
  /** Runs that were trained at the same time, it included, where there were others: its speed is then not its own. */
  readonly together?: number;
}

/** Appends a line. */
export function noteSession(
  path: string,
  line: Session & Provenance & {step: number; command?: string},
): void {
  appendLine(path, JSON.stringify(line));
}

/** The processes that worked on a run, in order. Errors: RunFolderError for a damaged line. */
export function readSessions(path: string): Session[] {
  if (!existsSync(path)) return [];
  const fail = (reason: string): never => {
    throw new RunFolderError(`${path} ${reason}`);
  };
  return wholeLines(readTextFile(path, fail)).map(({line, number}) => {
    const broken = (reason: string): never => fail(`line ${number} ${reason}; mend or remove it`);
    const value = parseJson(line, broken);
    const {version, date, machine, backend, device, together} = isRecord(value) ? value : {};
    if (
      typeof version !== 'string' ||
      typeof date !== 'string' ||
      typeof machine !== 'string' ||
      typeof backend !== 'string' ||
      !(device === undefined || typeof device === 'string') ||
      !(together === undefined || isCount(together))
    )
      return broken(
        `must hold version, date, machine and backend as texts, and together as a whole number, got ${shown(value)}`,
      );
    return {
      ...{version, date, machine, backend},
      ...(device === undefined ? {} : {device}),
      ...(together === undefined ? {} : {together}),
    };
  });
}
