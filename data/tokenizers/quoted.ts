// Foreign values in messages: short, on one line, without anything that a terminal would obey.

const LONGEST = 40;

/** Control characters, and what breaks or turns a line, which JSON leaves as they are. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: these are what must not reach a terminal
const UNSAFE = /[\u0000-\u001f\u007f-\u009f\u200e\u200f\u2028-\u202e\u2066-\u2069\ufeff]/g;

/** Text in quotes, numbers as they are, anything larger by its kind. */
export function quoted(value: unknown): string {
  if (typeof value === 'string') {
    const short = value.length > LONGEST ? `${value.slice(0, LONGEST)}...` : value;
    return JSON.stringify(short).replace(
      UNSAFE,
      character => `\\u${character.charCodeAt(0).toString(16).padStart(4, '0')}`,
    );
  }
  if (Array.isArray(value)) return `a list of ${value.length}`;
  if (typeof value === 'object' && value !== null) return 'an object';
  return String(value);
}
