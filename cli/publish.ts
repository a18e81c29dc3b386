// What every evaluation does with its result: print it, and leave it in the run's folder for reports.

import {isAbsolute, relative} from 'node:path';
import {shellWord} from '../errors/shell-word.js';
import type {Provenance} from '../eval/report/provenance.js';
import type {EvaluationRecord} from '../eval/report/record.js';
import {textTable} from '../eval/table.js';
import {writeRecord} from '../experiments/evaluations.js';
import {provenance} from '../experiments/provenance.js';
import {tellUnwritten} from './output.js';

/** A path below the working directory as it is from there: it says the same, and nothing of the machine. */
function fromHere(word: string): string {
  const [, option = '', path = ''] = /^(--[^=]+=)?(.*)$/s.exec(word) ?? [];
  if (!isAbsolute(path)) return word;
  const near = relative(process.cwd(), path);
  return near.startsWith('..') || isAbsolute(near) ? word : `${option}${near || '.'}`;
}

/** The command as it was typed, with paths below the working directory relative to it. */
export function typedCommand(): string {
  const words = process.argv.slice(2).map(fromHere).map(shellWord);
  return ['bmojo', ...words].join(' ');
}

/**
 * Leaves records in a run's folder, with where they come from; `seeds` by what was drawn. One that cannot be written is
 * printed instead. Returns the paths of what was written.
 */
export function keepRecords(
  run: string,
  records: readonly EvaluationRecord[],
  seeds: Provenance['seeds'] = {},
): string[] {
  const made = provenance(seeds);
  return records.flatMap(record => {
    try {
      return writeRecord(run, {...record, made});
    } catch (error) {
      tellUnwritten(`${record.name} of ${run}`, error, JSON.stringify(record, null, 2));
      return [];
    }
  });
}

/** Prints the numbers as JSON when that was asked for, else `words`, the record's table by default. */
export function publish(
  run: string,
  record: EvaluationRecord,
  {
    json,
    numbers,
    words = textTable(record.table),
    seeds,
  }: {json: unknown; numbers: unknown; words?: string; seeds?: Provenance['seeds']},
): void {
  const files = keepRecords(run, [record], seeds);
  if (json === true) console.log(JSON.stringify(numbers, null, 2));
  else console.log(`${words}${writtenWords(files)}`);
}

/** Names files that were written, where there are any. */
export function writtenWords(files: readonly string[]): string {
  return files.length === 0 ? '' : `\n\nwritten: ${files.join(', ')}`;
}
