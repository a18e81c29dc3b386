// Files of lines that are appended to, an object of JSON each.

/**
 * The lines of a text that were written whole, with their numbers from 1: what a killed process has left behind the last line
 * break is no line.
 */
export function wholeLines(text: string): {readonly line: string; readonly number: number}[] {
  return text
    .split('\n')
    .slice(0, -1)
    .map((line, i) => ({line, number: i + 1}));
}
