// The workloads that the command line knows, by name.

import {SettingError, suggestion} from '../../config/schema.js';
import {taskFamilies} from '../../data/families.js';
import {oneLine, shown} from '../../errors/shown.js';
import type {WorkloadFamily} from './family.js';
import {languageFamily} from './language.js';
import {recallFamily} from './recall.js';

export type {
  ComparedModel,
  ComparedRun,
  Headline,
  MetricsLine,
  OpenWorkload,
  Report,
  WorkloadFamily,
} from './family.js';
export {isLanguageReport} from './family.js';

/** All workloads that are known by name: the tasks of `taskFamilies`, then language modelling. */
export const workloadFamilies: readonly WorkloadFamily[] = [
  ...taskFamilies.map(recallFamily),
  languageFamily,
];

/**
 * The workload of a name, one of {@link workloadFamilies}. Errors: SettingError for an unknown name, with the
 * nearest known one.
 */
export function workloadFamily(name: string): WorkloadFamily {
  const found = workloadFamilies.find(family => family.name === name);
  if (found !== undefined) return found;
  const known = workloadFamilies.map(family => family.name);
  const near = suggestion(name.slice(0, 64), known);
  const hint = near === undefined ? `known tasks: ${known.join(', ')}` : `did you mean '${near}'?`;
  const given = name.length > 40 ? shown(name) : `'${oneLine(name)}'`;
  throw new SettingError(`unknown task ${given}; ${hint}`);
}
