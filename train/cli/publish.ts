// What every evaluation does with its result: print it, and leave it in the run's folder for reports.

import type {EvaluationRecord} from '../../eval/report/record.js';
import {writeRecord} from '../../eval/report/record.js';

/** The command as it was typed. */
export function typedCommand(): string {
  const words = process.argv
    .slice(2)
    .map(word => (/^[\w@%+=:,./-]+$/.test(word) ? word : JSON.stringify(word)));
  return ['bmojo', ...words].join(' ');
}

export function publish(
  run: string,
  record: EvaluationRecord,
  {print, quiet = false}: {print: string; quiet?: boolean},
): void {
  const files = writeRecord(run, record);
  console.log(print);
  if (!quiet) console.log(`\nwritten: ${files.join(', ')}`);
}
