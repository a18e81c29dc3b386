// Refusals of settings: a message that whoever prints it can put into its reader's words.

import {BmojoError} from '../errors/bmojo-error.js';

/** Words of a message, in which settings are named by their keys. */
export interface SettingWords {
  /** The words with each setting under the name that `name` gives it. */
  named(name: (key: string) => string): string;
}

/**
 * Words with names of settings in braces: said`{window} must be at least ${least}, got ${window}`, or {${key}} where the name is
 * a variable. Values are shown as they are, whatever stands in them.
 */
export function said(texts: TemplateStringsArray, ...values: readonly (string | number)[]): SettingWords {
  const isName = (i: number): boolean => texts[i].endsWith('{') && texts[i + 1].startsWith('}');
  return {
    named: name =>
      texts
        .map((text, i) => {
          const begin = i > 0 && isName(i - 1) ? 1 : 0;
          const value = values[i];
          const isLast = i === values.length;
          const own = text
            .slice(begin, !isLast && isName(i) ? -1 : undefined)
            .replace(/\{(\w+)\}/g, (_, key: string) => name(key));
          return isLast ? own : `${own}${isName(i) ? name(String(value)) : value}`;
        })
        .join(''),
  };
}

/** A setting that is unknown, of the wrong type or out of range; the message says what to write instead. */
export class SettingError extends BmojoError {
  override readonly name = 'SettingError';
  readonly kind = 'misuse';

  /** Either a whole message that names no setting, or what was checked and the words of its refusal. */
  constructor(
    where: string,
    private readonly words?: SettingWords,
  ) {
    super(words === undefined ? where : `${where}: ${words.named(key => key)}`);
  }

  /** The message with settings under names of the reader's own, such as options; it is then the same who checked them. */
  named(name: (key: string) => string): string {
    return this.words?.named(name) ?? this.message;
  }
}
