// The tasks that the command line knows, by name.

import {SettingError, suggestion} from '../config/schema.js';
import {oneLine, shown} from '../errors/shown.js';
import {inductionHeads} from './induction-heads.js';
import {madCompression} from './mad/compression.js';
import {madFuzzyRecall} from './mad/fuzzy-recall.js';
import {madRecall} from './mad/in-context-recall.js';
import {madMemorization} from './mad/memorization.js';
import {madNoisyRecall} from './mad/noisy-recall.js';
import {madSelectiveCopying} from './mad/selective-copying.js';
import {mqar} from './mqar.js';
import {mqarMixture} from './mqar-mixture.js';
import {needle} from './needle.js';
import {selectiveCopying} from './selective-copying.js';
import type {TaskFamily} from './task.js';

/** All tasks that are known by name, in the order in which `--help` lists them. */
export const taskFamilies: readonly TaskFamily[] = [
  mqar,
  mqarMixture,
  inductionHeads,
  selectiveCopying,
  needle,
  madRecall,
  madFuzzyRecall,
  madNoisyRecall,
  madSelectiveCopying,
  madCompression,
  madMemorization,
];

/**
 * The task of a name, one of {@link taskFamilies}. Errors: SettingError for an unknown name, with the nearest
 * known one.
 */
export function taskFamily(name: string): TaskFamily {
  const found = taskFamilies.find(family => family.name === name);
  if (found !== undefined) return found;
  const known = taskFamilies.map(family => family.name);
  const near = suggestion(name.slice(0, 64), known);
  const hint = near === undefined ? `known tasks: ${known.join(', ')}` : `did you mean '${near}'?`;
  const given = name.length > 40 ? shown(name) : `'${oneLine(name)}'`;
  throw new SettingError(`unknown task ${given}; ${hint}`);
}
