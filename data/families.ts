// The tasks that the command line knows, by name.

import {SettingError, suggestion} from '../config/schema.js';
import {mqar} from './mqar.js';
import type {TaskFamily} from './task.js';

export const taskFamilies: readonly TaskFamily[] = [mqar];

/** Errors: SettingError for an unknown name. */
export function taskFamily(name: string): TaskFamily {
  const found = taskFamilies.find(family => family.name === name);
  if (found !== undefined) return found;
  const known = taskFamilies.map(family => family.name);
  const near = suggestion(name, known);
  const hint = near === undefined ? `known tasks: ${known.join(', ')}` : `did you mean '${near}'?`;
  throw new SettingError(`unknown task '${name}'; ${hint}`);
}
