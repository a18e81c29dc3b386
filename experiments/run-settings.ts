// A run's settings as one row, by the names of their options: for tables, spreadsheets and TensorBoard.

import {optionName} from '../config/schema.js';
import {withoutPlaces} from '../eval/report/places.js';
import type {Cell} from '../eval/table.js';
import type {RunConfig} from './run-config.js';

function named(settings: object): [string, Cell][] {
  return Object.entries(settings).map(([key, value]) => [
    optionName(key),
    typeof value === 'number'
      ? value
      : withoutPlaces(typeof value === 'string' ? value : JSON.stringify(value)),
  ]);
}

/**
 * Every setting of data, model and training by name, but for those that say which run it is. Where the data lay is for the run
 * alone, which reads its own config.json: a row is handed on.
 */
export function settingRow({data, model, train}: RunConfig): [string, Cell][] {
  const {preset, seed, backbone, ...settings} = model;
  return [...named(data), ...named(settings), ['weights-seed', seed], ...named(train)];
}
