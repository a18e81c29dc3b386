// What two runs' metrics have in common: everything but the time that they took.

import {readFileSync} from 'node:fs';
import {join} from 'node:path';

/** The lines of a run's metrics.jsonl without their times and speeds, as text. */
export function metricsOf(run: string): string {
  return readFileSync(join(run, 'metrics.jsonl'), 'utf8')
    .trimEnd()
    .split('\n')
    .map(line => {
      const {time, tokensPerSecond, ...numbers} = JSON.parse(line);
      return `${JSON.stringify(numbers)}\n`;
    })
    .join('');
}
