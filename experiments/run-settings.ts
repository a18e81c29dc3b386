// A run's settings as one row, by the names of their options: for tables, spreadsheets and TensorBoard.

import {optionName} from '../config/schema.js';
import type {Cell} from '../eval/table.js';
import type {RunConfig} from './run-config.js';

function named(settings: object): [string, Cell][] {
  return Object.entries(settings).map(([key, value]) => [
    optionName(key),
    typeof value === 'number' || typeof value === 'string' ? value : JSON.stringify(value),
  ]);
}

/** Every setting of data, model and training by name, but for those that say which run it is. */
export function settingRow({data, model, train}: RunConfig): [string, Cell][] {
  const {preset, seed, backbone, ...settings} = model;
  return [...named(data), ...named(settings), ['weights-seed', seed], ...named(train)];
}
