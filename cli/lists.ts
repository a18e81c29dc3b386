// Options that take several values, separated by commas.

import type {Field, Schema} from '../config/schema.js';
import {SettingError, suggestion} from '../config/schema.js';

/** `4,8,16` as numbers. Errors: SettingError naming the option. */
export function numberList(option: string, text: string): number[] {
  return text.split(',').map(part => {
    const value = Number(part);
    if (part.trim() === '' || !Number.isFinite(value))
      throw new SettingError(`--${option} must be numbers separated by commas, got ${JSON.stringify(text)}`);
    return value;
  });
}

/** Words out of those `known`. Errors: SettingError naming the first that is not, with the nearest one that is. */
export function wordList<T extends string>(option: string, text: string, known: readonly T[]): T[] {
  return text.split(',').map(part => {
    const word = part.trim();
    const found = known.find(one => one === word);
    if (found !== undefined) return found;
    const near = suggestion(word, known);
    const hint = near === undefined ? `known: ${known.join(', ')}` : `did you mean '${near}'?`;
    throw new SettingError(`--${option}: unknown '${word}'; ${hint}`);
  });
}

export type SettingValue = number | string | boolean;

/** The values of one setting; ranges are checked elsewhere. Errors: SettingError for words where numbers belong, and unknown ones. */
export function valueList(option: string, field: Field, text: string): SettingValue[] {
  if (field.kind === 'integer' || field.kind === 'number') return numberList(option, text);
  if (field.kind === 'choice') return wordList(option, text, field.choices);
  const words = text.split(',').map(word => word.trim());
  return field.kind === 'boolean'
    ? words.map(word => (word === 'true' ? true : word === 'false' ? false : word))
    : words;
}

/** Every combination of the values given for some settings of a schema; the last setting changes fastest. */
export function combinations<S extends Schema>(
  lists: readonly {readonly key: keyof S & string; readonly values: readonly SettingValue[]}[],
): Record<string, SettingValue>[] {
  return lists.reduce<Record<string, SettingValue>[]>(
    (all, {key, values}) => all.flatMap(one => values.map(value => ({...one, [key]: value}))),
    [{}],
  );
}
