// Options that are numbers, or lists of numbers or words, with what they take: checked before a command begins, shown by --help.

import type {Field, NumberField} from '../config/schema.js';
import {choice, integer, number} from '../config/schema.js';

/** Larger bounds are no news to a reader. */
const UNBOUNDED = 2 ** 30;

const rangeWords = ({min, max}: NumberField): string =>
  max >= UNBOUNDED ? `[at least ${min}]` : `[${min} to ${max}]`;

const numeric = (field: NumberField) => ({
  type: 'number' as const,
  describe: `${field.why} ${rangeWords(field)}`,
  field,
});

/** A whole number from `least` to `most`. */
export const wholeOption = (describe: string, least = 1, most = 2 ** 31 - 1) =>
  numeric(integer(least, least, most, describe));

/** A number from `least` to `most`, whole or not. */
export const numberOption = (describe: string, least: number, most: number) =>
  numeric(number(least, least, most, describe));

/** Several values, separated by commas, each of which a setting of this kind takes, none twice. */
export const listOption = (describe: string, list: Field) => ({type: 'string' as const, describe, list});

/** Several whole numbers, separated by commas. */
export const wholesOption = (describe: string, least = 1, most = 2 ** 31 - 1) =>
  listOption(describe, integer(least, least, most, describe));

/** Several numbers, separated by commas. */
export const numbersOption = (describe: string, least: number, most: number) =>
  listOption(describe, number(least, least, most, describe));

/** Several of some words, separated by commas. */
export const wordsOption = (describe: string, words: readonly [string, ...string[]] | readonly string[]) =>
  listOption(describe, choice(words, words[0], describe));

/** Where random numbers begin. */
export const seedOption = (describe: string) => wholeOption(describe, 0);

export const parametersOption = wholeOption(
  'choose the width of the SwiGLU blocks so that the model has about so many parameters',
);
