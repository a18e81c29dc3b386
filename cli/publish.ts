// What every evaluation does with its result: print it, and leave it in the run's folder for reports.

import type {EvaluationRecord} from '../eval/report/record.js';
import {textTable} from '../eval/table.js';
import {writeRecord} from '../experiments/evaluations.js';
import {tellUnwritten} from './output.js';

/** The command as it was typed. */
export function typedCommand(): string {
  const words = process.argv
    .slice(2)
    .map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)));
  return ['bmojo', ...words].join(' ');
}

/** Leaves records in a run's folder; one that cannot be written is printed instead. Returns the paths of what was written. */
export function keepRecords(run: string, records: readonly EvaluationRecord[]): string[] {
  return records.flatMap(record => {
    try {
      return writeRecord(run, record);
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
  {json, numbers, words = textTable(record.table)}: {json: unknown; numbers: unknown; words?: string},
): void {
  const files = keepRecords(run, [record]);
  if (json === true) console.log(JSON.stringify(numbers, null, 2));
  else console.log(`${words}${writtenWords(files)}`);
}

/** Names files that were written, where there are any. */
export function writtenWords(files: readonly string[]): string {
  return files.length === 0 ? '' : `\n\nwritten: ${files.join(', ')}`;
}
