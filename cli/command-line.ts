// From schemas to command lines and back, without any parser: names, given values, unknown options.

import type {CliOption, Schema} from '../config/schema.js';
import {cliOptions, optionName, SettingError, suggestion} from '../config/schema.js';
import type {OptionShape} from './typed-options.js';
import {checkTyped} from './typed-options.js';

/** What a command that only groups others says when the word behind it names none of them. */
export const NEEDS_COMMAND = 'a command is needed';

/** What a refusal calls a setting: its option. */
export const asOption = (key: string): string => `--${optionName(key)}`;

const camel = (option: string): string =>
  option.replace(/-([a-z])/g, (_, letter: string) => letter.toUpperCase());

/** Options for the settings of a schema under kebab-case names, all in one group of the help text. */
export function schemaOptions(
  schema: Schema,
  group: string,
  without: readonly string[] = [],
): Record<string, CliOption & {group: string}> {
  const entries = Object.entries(cliOptions(schema)).filter(([key]) => !without.includes(key));
  return Object.fromEntries(entries.map(([key, option]) => [optionName(key), {...option, group}]));
}

/** Errors: SettingError where more than one of these options was given. */
export function checkExclusive(argv: Readonly<Record<string, unknown>>, ...options: readonly string[]): void {
  const used = options.filter(option => argv[option] !== undefined).map(option => `--${option}`);
  if (used.length > 1) throw new SettingError(`${used.join(' and ')} exclude each other`);
}

/** The settings of a schema that were written on the command line; the rest is left to files, presets and defaults. */
export function givenSettings(
  schema: Schema,
  argv: Readonly<Record<string, unknown>>,
): Record<string, unknown> {
  const entries = Object.keys(schema).map(key => [key, argv[optionName(key)] ?? argv[key]]);
  return Object.fromEntries(entries.filter(([, value]) => value !== undefined));
}

/** The word behind a single dash, as it was typed, of which the option parser makes one option a letter. */
function shortWord(option: string, words: readonly string[]): string | undefined {
  return option.length > 1 ? undefined : words.find(word => /^-[^-]/.test(word) && word.includes(option));
}

/**
 * For the `check` of a command with these options and positional arguments: whether nothing else was given, and nothing twice.
 * Errors: SettingError naming the first option that is not known, with the nearest one that is, that has several values, or a
 * value that it does not take.
 */
export function onlyOptions(options: Readonly<Record<string, OptionShape>>, ...positionals: string[]) {
  const names = ['help', 'version', ...Object.keys(options), ...positionals];
  const accepted = new Set([...names, ...names.map(camel), '_', '$0']);
  return (argv: Readonly<Record<string, unknown>>): true => {
    for (const option of Object.keys(argv)) {
      if (accepted.has(option) || accepted.has(camel(option))) continue;
      const short = shortWord(option, process.argv.slice(2));
      if (short !== undefined)
        throw new SettingError(`unknown option ${short}; options begin with two dashes, see --help`);
      const near = suggestion(optionName(option), names);
      const hint = near === undefined ? 'see --help' : `did you mean --${near}?`;
      throw new SettingError(`unknown option --${optionName(option)}; ${hint}`);
    }
    checkTyped(options, argv, process.argv.slice(2));
    return true;
  };
}
