// metrics.jsonl: one line for each logged step and each evaluation. Appended to, never emptied; what a checkpoint saw of it
// is compared before it is believed.

import {createHash} from 'node:crypto';
import {existsSync, readFileSync} from 'node:fs';
import {shown} from '../errors/shown.js';
import {appendFile, syncFile, writeFileAtomic} from '../formats/atomic-file.js';
import {wholeLines} from '../formats/json-lines.js';
import {isCount, isRecord, parseJson} from '../formats/json-text.js';
import {sha256Of} from '../formats/sha256/index.js';
import type {BesideRecord} from './checkpoint-state.js';
import type {MetricsLine, Report} from './families/index.js';
import {noteOnce} from './notes.js';
import {RunFolderError} from './run-folder-error.js';

const NUMBERS = [
  'loss',
  'accuracy',
  'rate',
  'gradientNorm',
  'lossScale',
  'skippedSteps',
  'time',
  'tokensPerSecond',
] as const;

export class MetricsLog {
  private hash = createHash('sha256');
  private bytes = 0;

  constructor(readonly path: string) {}

  /**
   * The file as it is now, which only the process that writes it knows: on the disk when this returns, since what notes it may
   * survive a power cut.
   */
  settled(): BesideRecord {
    if (existsSync(this.path)) syncFile(this.path);
    return {bytes: this.bytes, sha256: this.hash.copy().digest('hex')};
  }

  /** The lines; those that a checkpoint saw must be as they were then. Errors: RunFolderError. */
  read(seen?: BesideRecord): MetricsLine[] {
    if (!existsSync(this.path)) {
      if (seen !== undefined && seen.bytes > 0) noteOnce(`${this.path} is gone; its curve begins anew`);
      return [];
    }
    const bytes = readFileSync(this.path);
    if (
      seen !== undefined &&
      (bytes.length < seen.bytes || sha256Of(bytes.subarray(0, seen.bytes)) !== seen.sha256)
    )
      this.fail(
        'is damaged: it is not what it was when the last checkpoint was saved; remove it to do without',
      );
    return wholeLines(bytes.toString('utf8')).map(({line, number}) => this.parse(line, number));
  }

  /** Drops what came after `step`, so that a resumed run's metrics equal an uninterrupted one's. */
  rewind(step: number, seen?: BesideRecord): void {
    const text = this.read(seen)
      .filter(line => line.step <= step)
      .map(line => `${JSON.stringify(line)}\n`)
      .join('');
    if (!existsSync(this.path) || readFileSync(this.path, 'utf8') !== text) writeFileAtomic(this.path, text);
    this.hash = createHash('sha256').update(text);
    this.bytes = Buffer.byteLength(text);
  }

  append(line: MetricsLine): void {
    const text = `${JSON.stringify(line)}\n`;
    appendFile(this.path, text);
    this.hash.update(text);
    this.bytes += Buffer.byteLength(text);
  }

  private parse(text: string, number: number): MetricsLine {
    const where = `line ${number}`;
    const value = parseJson(text, reason =>
      this.fail(`${where} is damaged: it ${reason}; mend or remove it`),
    );
    if (!isRecord(value) || !isCount(value.step))
      return this.fail(`${where} must be an object with a step, got ${shown(value)}`);
    for (const key of NUMBERS)
      if (value[key] !== undefined && value[key] !== null && typeof value[key] !== 'number')
        return this.fail(`${where}: ${key} must be a number, got ${shown(value[key])}`);
    const {evaluated} = value;
    if (evaluated === undefined) return {...value, step: value.step, evaluated};
    if (!isReport(evaluated))
      return this.fail(`${where}: evaluated must be a report, got ${shown(evaluated)}`);
    return {...value, step: value.step, evaluated};
  }

  private fail(reason: string): never {
    throw new RunFolderError(`${this.path} ${reason}`);
  }
}

/** Whether a value has what every report has. */
export function isReport(value: unknown): value is Report {
  return isRecord(value) && typeof value.loss === 'number' && typeof value.accuracy === 'number';
}
