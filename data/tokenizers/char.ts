// One token for each character (Unicode code point) that a corpus holds.

import {cutsAnywhere, lastCut} from './cuts.js';
import {quoted} from './quoted.js';
import type {Tokenizer} from './tokenizer.js';
import {checkIds, checkText, TokenizerError} from './tokenizer.js';

const codeOf = (character: string): string =>
  `U+${character.codePointAt(0)?.toString(16).toUpperCase().padStart(4, '0')}`;

/**
 * One token for each of the given characters (Unicode code points), with ids in their order.
 *
 * Errors: TokenizerError when an entry is not one character or stands twice, and from `encode` for a
 * character that is not among them.
 */
export function charTokenizer(characters: readonly string[]): Tokenizer {
  if (!Array.isArray(characters))
    throw new TokenizerError(`char tokenizer: must be given a list of characters, got ${quoted(characters)}`);
  const ids = new Map<string, number>();
  characters.forEach((character, id) => {
    if ([...character].length !== 1)
      throw new TokenizerError(`char tokenizer: entry ${id} must be one character, got ${quoted(character)}`);
    if (ids.has(character))
      throw new TokenizerError(`char tokenizer: ${codeOf(character)} stands twice, at ${id} again`);
    ids.set(character, id);
  });
  if (characters.length === 0) throw new TokenizerError('char tokenizer: needs at least one character');
  return {
    vocabSize: characters.length,
    lastCut: (text, from) => lastCut(cutsAnywhere, text, from),
    encode: text => {
      checkText(text);
      const found = [...text];
      return Int32Array.from(found, (character, at) => {
        const id = ids.get(character);
        if (id !== undefined) return id;
        throw new TokenizerError(
          `encode: the corpus of this char tokenizer has no ${quoted(character)} (${codeOf(character)}), ` +
            `character ${at} of the text; it knows ${ids.size} characters (a byte tokenizer can express any text)`,
          'misuse',
        );
      });
    },
    decode: tokens => {
      checkIds(tokens, characters.length);
      return Array.from(tokens, id => characters[id]).join('');
    },
    bytesOf: id => new TextEncoder().encode(characters[id] ?? '').length,
    // The first half of a pair may stand alone in the list.
    isOpen: tokens => /[\ud800-\udbff]$/.test(characters[tokens[tokens.length - 1]] ?? ''),
    toJSON: () => ({type: 'char', characters}),
  };
}

/** Collects the distinct characters of texts, in ascending order of code points, for {@link charTokenizer}. */
export class CharacterCollector {
  private readonly seen = new Set<string>();

  add(text: string): void {
    for (const character of text) this.seen.add(character);
  }

  get characters(): string[] {
    return [...this.seen].sort((a, b) => (a.codePointAt(0) ?? 0) - (b.codePointAt(0) ?? 0));
  }
}
