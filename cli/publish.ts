// What every evaluation does with its result: print it, and leave it in the run's folder for reports.

import type {EvaluationRecord} from '../eval/report/record.js';
import {textTable} from '../eval/table.js';
import {writeRecord} from '../experiments/evaluations.js';

/** The command as it was typed. */
export function typedCommand(): string {
  const words = process.argv
    .slice(2)
    .map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)));
  return ['bmojo', ...words].join(' ');
}

/** Prints the numbers as JSON when that was asked for, else `words`, the record's table by default. */
export function publish(
  run: string,
  record: EvaluationRecord,
  {json, numbers, words = textTable(record.table)}: {json: unknown; numbers: unknown; words?: string},
): void {
  const files = writeRecord(run, record);
  if (json === true) console.log(JSON.stringify(numbers, null, 2));
  else console.log(`${words}\n\nwritten: ${files.join(', ')}`);
}
