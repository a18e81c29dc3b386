// One declaration of settings from which types, defaults, validation, CLI options and demo controls derive.

import {oneLine, shown} from '../errors/shown.js';
import {SettingError, said} from './setting-error.js';

export type {SettingWords} from './setting-error.js';
export {SettingError, said};

/** A setting that is a number within bounds, whole or not; made by `integer` and `number`. */
export interface NumberField {
  readonly kind: 'integer' | 'number';
  readonly default: number;
  readonly min: number;
  readonly max: number;
  /** One line: what it is, and why this default. */
  readonly why: string;
}

/** A setting that is on or off; made by `flag`. */
export interface BooleanField {
  readonly kind: 'boolean';
  readonly default: boolean;
  readonly why: string;
}

/** A setting that is one of a few words; made by `choice`. */
export interface ChoiceField<T extends string = string> {
  readonly kind: 'choice';
  readonly choices: readonly T[];
  readonly default: T;
  readonly why: string;
}

/** A setting that is any text, which whoever reads it checks further; made by `text`. */
export interface TextField {
  readonly kind: 'text';
  readonly default: string;
  readonly why: string;
}

/** One setting of a schema: its kind, its default, what values it takes, and why. */
export type Field = NumberField | BooleanField | ChoiceField | TextField;
/**
 * Settings by name, declared once: types ({@link Settings}), defaults, checks ({@link parseSettings}),
 * options of the command line and controls of the demo derive from it.
 */
export type Schema = Readonly<Record<string, Field>>;

type ValueOf<F extends Field> = F extends NumberField
  ? number
  : F extends BooleanField
    ? boolean
    : F extends ChoiceField<infer T>
      ? T
      : string;

/** The settings that a schema describes, all present. */
export type Settings<S extends Schema> = {readonly [K in keyof S]: ValueOf<S[K]>};

/** Declares a whole number in [min, max] with its default `value`. */
export const integer = (value: number, min: number, max: number, why: string): NumberField => ({
  kind: 'integer',
  default: value,
  min,
  max,
  why,
});
/** Declares a number in [min, max], whole or not, with its default `value`. */
export const number = (value: number, min: number, max: number, why: string): NumberField => ({
  kind: 'number',
  default: value,
  min,
  max,
  why,
});
/** Declares a setting that is true or false, with its default `value`. */
export const flag = (value: boolean, why: string): BooleanField => ({kind: 'boolean', default: value, why});
/** Declares a setting that is one of `choices`, with its default `value`. */
export const choice = <const T extends string>(
  choices: readonly T[],
  value: NoInfer<T>,
  why: string,
): ChoiceField<T> => ({kind: 'choice', choices, default: value, why});
/** Declares a setting that is any text, with its default `value`. */
export const text = (value: string, why: string): TextField => ({kind: 'text', default: value, why});

/** The same settings with other defaults. Errors: SettingError when a default is unknown or out of range. */
export function withDefaults<S extends Schema>(schema: S, defaults: Readonly<Record<string, unknown>>): S {
  const values = new Map<string, unknown>(Object.entries(parseSettings('defaults', schema, defaults)));
  const entries = Object.entries(schema).map(([key, field]) => [key, {...field, default: values.get(key)}]);
  return Object.fromEntries(entries) as S;
}

/** Number of single-character edits between two words. */
function editDistance(a: string, b: string): number {
  let previous = Array.from({length: b.length + 1}, (_, j) => j);
  for (let i = 1; i <= a.length; i++) {
    const current = [i];
    for (let j = 1; j <= b.length; j++) {
      const change = previous[j - 1] + (a[i - 1] === b[j - 1] ? 0 : 1);
      current[j] = Math.min(previous[j] + 1, current[j - 1] + 1, change);
    }
    previous = current;
  }
  return previous[b.length];
}

/** The known word nearest to a misspelt one, or undefined when none is near. */
export function suggestion(word: string, known: readonly string[]): string | undefined {
  const ranked = known
    .map(candidate => ({candidate, distance: editDistance(word.toLowerCase(), candidate.toLowerCase())}))
    .sort((a, b) => a.distance - b.distance);
  const best = ranked[0];
  return best !== undefined && best.distance <= Math.max(2, word.length / 3) ? best.candidate : undefined;
}

/**
 * Fills defaults into partial settings and checks every value.
 * Errors: {@link SettingError} naming `where`, the setting, what was expected and what came.
 */
export function parseSettings<S extends Schema>(where: string, schema: S, given: object): Settings<S> {
  const known = Object.keys(schema);
  for (const key of Object.keys(given)) {
    if (known.includes(key)) continue;
    const near = suggestion(key.slice(0, 64), known);
    const hint = near === undefined ? `known settings: ${known.join(', ')}` : `did you mean '${near}'?`;
    throw new SettingError(`${where}: unknown setting '${oneLine(key.slice(0, 64))}'; ${hint}`);
  }
  const values = new Map<string, unknown>(Object.entries(given));
  const entries = Object.entries(schema).map(([key, field]) => {
    const given = values.get(key);
    const value = given === undefined ? field.default : given;
    checkField(where, key, field, value);
    return [key, value];
  });
  return Object.fromEntries(entries) as Settings<S>;
}

/** Whether a setting may have that value. */
function allows(field: Field, value: unknown): boolean {
  const fails =
    field.kind === 'integer'
      ? !Number.isInteger(value) || Number(value) < field.min || Number(value) > field.max
      : field.kind === 'number'
        ? typeof value !== 'number' || !(value >= field.min && value <= field.max)
        : field.kind === 'boolean'
          ? typeof value !== 'boolean'
          : field.kind === 'choice'
            ? !field.choices.some(candidate => candidate === value)
            : typeof value !== 'string';
  return !fails;
}

/** Why a setting may not have that value, in words that go behind its name; undefined where it may. */
export function refusal(field: Field, value: unknown, came = shown(value)): string | undefined {
  return allows(field, value) ? undefined : `must be ${expectation(field)}, got ${came}`;
}

function checkField(where: string, key: string, field: Field, value: unknown): void {
  const words = refusal(field, value);
  if (words !== undefined) throw new SettingError(where, said`{${key}} ${words}`);
}

function expectation(field: Field): string {
  switch (field.kind) {
    case 'integer':
      return `an integer in [${field.min}, ${field.max}]`;
    case 'number':
      return `a number in [${field.min}, ${field.max}]`;
    case 'boolean':
      return 'true or false';
    case 'choice':
      return `one of ${field.choices.join(', ')}`;
    case 'text':
      return 'text';
    default:
      return field satisfies never;
  }
}

/** The name of a setting's option, by which everything that is read by people calls it: `dModel` as `d-model`. */
export function optionName(key: string): string {
  return key.replace(/[A-Z]/g, letter => `-${letter.toLowerCase()}`);
}

/** Option of the yargs kind; the keys are the schema's own. */
export interface CliOption {
  readonly type: 'number' | 'boolean' | 'string';
  readonly describe: string;
  readonly choices?: readonly string[];
  /** The setting that it gives. */
  readonly field: Field;
}

/** What a setting is, its default and its bounds, in sentences: the comment that editors show at it. */
export function documentation(field: Field): string {
  const why = `${field.why[0].toUpperCase()}${field.why.slice(1)}`;
  const bounds =
    field.kind === 'integer' || field.kind === 'number' ? `; from ${field.min} to ${field.max}` : '';
  return `${why}. Default ${JSON.stringify(field.default)}${bounds}.`;
}

/** `[default 32; 0 to 4096]`, or what else may be given beside the default. */
function defaultWords(field: Field): string {
  const value = `default ${JSON.stringify(field.default)}`;
  return field.kind === 'integer' || field.kind === 'number'
    ? `[${value}; ${field.min} to ${field.max}]`
    : `[${value}]`;
}

/**
 * Command-line options for a schema. Defaults and ranges stand in the text, not in yargs, so that presets can fill the gaps.
 */
export function cliOptions(schema: Schema): Record<string, CliOption> {
  return Object.fromEntries(
    Object.entries(schema).map(([key, field]) => {
      const common = {describe: `${field.why} ${defaultWords(field)}`, field};
      if (field.kind === 'integer' || field.kind === 'number') return [key, {type: 'number', ...common}];
      if (field.kind === 'boolean') return [key, {type: 'boolean', ...common}];
      if (field.kind === 'choice') return [key, {type: 'string', choices: field.choices, ...common}];
      return [key, {type: 'string', ...common}];
    }),
  );
}
