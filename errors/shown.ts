// Values of others in messages of ours: short, in one line, without characters that steer a terminal.

const MOST = 120;
const DEEPEST = 3;
const MOST_ENTRIES = 8;

/** What moves a cursor, changes colours, breaks a line or turns the direction of text. */
const STEERING = /[\p{Cc}\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff]/gu;

/** Text with its control characters as escapes, on one line. */
export function oneLine(text: string): string {
  return text.replace(STEERING, character => {
    const code = character.charCodeAt(0);
    return character === '\n' ? '\\n' : `\\u${code.toString(16).padStart(4, '0')}`;
  });
}

function flat(value: unknown, depth: number): string {
  if (typeof value === 'string')
    return JSON.stringify(value.length > MOST ? `${value.slice(0, MOST)}…` : value);
  if (typeof value !== 'object' || value === null) return String(value);
  const isList = Array.isArray(value);
  if (depth === DEEPEST) return isList ? '[…]' : '{…}';
  const entries = isList
    ? value.slice(0, MOST_ENTRIES + 1)
    : Object.entries(value).slice(0, MOST_ENTRIES + 1);
  const words = entries
    .slice(0, MOST_ENTRIES)
    .map(entry =>
      isList ? flat(entry, depth + 1) : `${JSON.stringify(entry[0])}:${flat(entry[1], depth + 1)}`,
    );
  if (entries.length > MOST_ENTRIES) words.push('…');
  return isList ? `[${words.join(',')}]` : `{${words.join(',')}}`;
}

/** A value in words, however deep or long it is; `nothing` for undefined. */
export function shown(value: unknown): string {
  if (value === undefined) return 'nothing';
  const words = oneLine(flat(value, 0));
  return words.length > MOST ? `${words.slice(0, MOST)}…` : words;
}
