// Words of commands that messages tell people to type and records say were typed.

import {oneLine} from './shown.js';

/** A word as a shell takes it, on one line: quoted where it holds more than letters, digits and what paths are made of. */
export function shellWord(word: string): string {
  if (/^[\w@%+=:,./-]+$/.test(word)) return word;
  const inDoubleQuotes = word.replace(/["\\$`]/g, '\\$&');
  if (oneLine(word) === word) return `"${inDoubleQuotes}"`;
  return `$'${oneLine(word.replace(/['\\]/g, '\\$&'))}'`;
}
