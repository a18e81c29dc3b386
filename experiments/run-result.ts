// What a finished run leaves as numbers: the content of its result.json.

import {shown} from '../errors/shown.js';
import type {Fail} from '../formats/json-text.js';
import type {Report} from './families/index.js';
import {isReport} from './metrics-log.js';

/** What a finished run leaves as numbers: result.json. */
export interface RunResult {
  readonly step: number;
  readonly parameters: number;
  /** Bytes of memory that decoding one sequence of the task's length holds. */
  readonly stateBytes: number;
  readonly report: Report;
  /** Tokens trained on in a second, by the process that finished the run; evaluations do not count. */
  readonly tokensPerSecond?: number;
}

/** Errors: what `fail` throws, with the field that is missing. */
export function parseRunResult(value: Readonly<Record<string, unknown>>, fail: Fail): RunResult {
  const {report, tokensPerSecond} = value;
  const number = (name: string): number => {
    const found = value[name];
    return typeof found === 'number' ? found : fail(`must hold ${name} as a number, got ${shown(found)}`);
  };
  if (!isReport(report)) return fail(`must hold a report, got ${shown(report)}`);
  return {
    step: number('step'),
    parameters: number('parameters'),
    stateBytes: number('stateBytes'),
    report,
    ...(tokensPerSecond === undefined ? {} : {tokensPerSecond: number('tokensPerSecond')}),
  };
}
