// Passages whose last word is to be guessed, from a local file of the user's: LAMBADA's form.

import {existsSync, readFileSync, statSync} from 'node:fs';
import {BmojoError} from '../../errors/bmojo-error.js';

/** A file of passages that is missing or malformed; the message says in which line. */
export class PassageError extends BmojoError {
  override readonly name = 'PassageError';
  readonly kind = 'damage';
}

export interface Passage {
  /** Everything up to the last space, which is not part of it. */
  readonly context: string;
  /** The last word with the space in front. */
  readonly target: string;
}

/**
 * Reads JSON lines of the form `{"text": "..."}`, one passage each; empty lines are skipped.
 * Errors: PassageError for a file that is not UTF-8, and naming the line that is no JSON, has no text, or has fewer than two words.
 */
export function readPassages(path: string): Passage[] {
  const passages: Passage[] = [];
  for (const [i, line] of textOf(path).split('\n').entries()) {
    if (line.trim() !== '') passages.push(parsePassage(line, `line ${i + 1} of ${path}`));
  }
  if (passages.length === 0) throw new PassageError(`passages: ${path} holds none`);
  return passages;
}

/** The text of a file or pipe without a byte order mark. */
function textOf(path: string): string {
  if (!existsSync(path)) throw new PassageError(`passages: ${path} does not exist`);
  if (statSync(path).isDirectory()) throw new PassageError(`passages: ${path} must be a file, is a folder`);
  const bytes = readFileSync(path);
  try {
    return new TextDecoder('utf-8', {fatal: true}).decode(bytes);
  } catch {
    throw new PassageError(`passages: ${path} must be UTF-8`);
  }
}

function parsePassage(line: string, where: string): Passage {
  const fail = (what: string): never => {
    throw new PassageError(`passages: ${where} ${what}`);
  };
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch (error) {
    fail(`must be JSON; ${error instanceof Error ? error.message : String(error)}`);
  }
  const text = typeof value === 'object' && value !== null && 'text' in value ? value.text : undefined;
  if (typeof text !== 'string') return fail('must be an object with text, such as {"text": "A passage ..."}');
  const trimmed = text.trimEnd();
  const space = trimmed.lastIndexOf(' ');
  if (space <= 0) fail('must have at least two words');
  return {context: trimmed.slice(0, space), target: trimmed.slice(space)};
}
