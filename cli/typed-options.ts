// Options as they were typed: what an option parser makes of them loses the words that a user should be told of.

import type {Field} from '../config/schema.js';
import {refusal, SettingError} from '../config/schema.js';
import {valueList} from './lists.js';
import type {Written} from './written-paths.js';
import {checkWritten} from './written-paths.js';

/** What an option parser is told of an option, as far as it matters here. */
export interface OptionShape {
  readonly describe?: string;
  readonly array?: boolean;
  readonly type?: string;
  /** The setting that it gives, where it comes from a schema. */
  readonly field?: Field;
  /** Of an option that takes several values, separated by commas: what each may be. */
  readonly list?: Field;
  /** Of an option that is a path to be written. */
  readonly writes?: Written;
}

/** Numbers below zero, also as 1e-3; option parsers take some of them for options. */
const NEGATIVE = /^-(\d+\.?\d*|\.\d+)(e[-+]?\d+)?$/i;

/** Command words in which every negative number behind an option is joined to it: `--rate -1e-3` as `--rate=-1e-3`. */
export function withNegativeNumbers(words: readonly string[]): string[] {
  const joined: string[] = [];
  for (const word of words) {
    const before = joined.at(-1);
    if (NEGATIVE.test(word) && before !== undefined && /^--[^=]+$/.test(before))
      joined[joined.length - 1] = `${before}=${word}`;
    else joined.push(word);
  }
  return joined;
}

/** What stands behind every `--option` among the words, '' for nothing. */
function typedValues(option: string, words: readonly string[]): string[] {
  const end = words.indexOf('--');
  return words.slice(0, end < 0 ? undefined : end).flatMap((word, at) => {
    if (word.startsWith(`--${option}=`)) return [word.slice(word.indexOf('=') + 1)];
    if (word !== `--${option}`) return [];
    const next = words[at + 1] ?? '';
    return [next.startsWith('--') ? '' : next];
  });
}

/** Whether nothing was typed behind an option; an option parser makes 0 of nothing where it wants a number. */
function isNothing(typed: string, type: string, value: unknown): boolean {
  if (type === 'number') return typed.trim() === '';
  // Of a list, `--where=` is a value, a bare `--where` is none.
  return typed === '' && (Array.isArray(value) ? !value.includes('') : value === undefined || value === '');
}

/** Errors: SettingError for a word that is neither true nor false, which an option parser takes for false. */
function checkSwitch(option: string, words: readonly string[]): void {
  const end = words.indexOf('--');
  const given = `--${option}=`;
  const bad = words
    .slice(0, end < 0 ? undefined : end)
    .find(word => word.startsWith(given) && !['true', 'false'].includes(word.slice(given.length)));
  if (bad !== undefined)
    throw new SettingError(`--${option} must be true or false, got ${bad.slice(given.length) || 'nothing'}`);
}

/** Errors: SettingError for a value that the option does not take, or that stands there twice. */
function checkList(option: string, list: Field, typed: string): void {
  const values = valueList(option, list, typed);
  for (const value of values) {
    const wrong = refusal(list, value);
    if (wrong !== undefined) throw new SettingError(`--${option} ${wrong}`);
  }
  if (new Set(values).size < values.length)
    throw new SettingError(`--${option}: the values must differ, got ${typed}`);
}

/**
 * Compares the options of a command with what was typed.
 * Errors: SettingError naming the option, what it takes and what came: nothing, several values for one (of which the option parser
 * makes a list, the last, or their sum), a word for a number, a number out of range, a list with such a value, a path where the
 * command cannot write.
 */
export function checkTyped(
  options: Readonly<Record<string, OptionShape>>,
  argv: Readonly<Record<string, unknown>>,
  words: readonly string[],
): void {
  for (const [option, {type, field, list, writes, array = false}] of Object.entries(options)) {
    const all = typedValues(option, words);
    const typed = all.at(-1);
    if (typed === undefined) continue;
    if (type === 'boolean') {
      checkSwitch(option, words);
      continue;
    }
    if (all.length > 1 && !array)
      throw new SettingError(`--${option} takes one value, got ${all.length}: ${all.join(', ')}`);
    const value = argv[option];
    if (type !== undefined && all.some(one => isNothing(one, type, value)))
      throw new SettingError(`--${option} needs a value, got none; see --help`);
    if (writes !== undefined) checkWritten(option, String(value), writes);
    if (list !== undefined) checkList(option, list, String(value));
    const wrong = field === undefined ? undefined : refusal(field, value, typed);
    if (wrong !== undefined) throw new SettingError(`--${option} ${wrong}`);
    if (type === 'number' && typeof value === 'number' && !Number.isFinite(value))
      throw new SettingError(`--${option} must be a number, got ${typed}`);
  }
}
