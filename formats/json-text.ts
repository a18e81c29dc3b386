// JSON of others: parsed with bounds, so that no depth of nesting and no length of text costs a stack or a machine.

/** Deeper than anything that this package or its neighbours write. */
const DEEPEST = 200;

/** How a reader refuses: throws its own error with this reason. */
export type Fail = (reason: string) => never;

const OPEN = new Set(['[', '{'].map(one => one.charCodeAt(0)));
const CLOSED = new Set([']', '}'].map(one => one.charCodeAt(0)));
const QUOTE = 0x22;
const BACKSLASH = 0x5c;

/** Whether brackets of JSON text go deeper than `most`. */
export function nestsDeeper(text: string, most = DEEPEST): boolean {
  let depth = 0;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code === QUOTE) {
      for (at++; at < text.length && text.charCodeAt(at) !== QUOTE; at++)
        if (text.charCodeAt(at) === BACKSLASH) at++;
    } else if (OPEN.has(code)) {
      depth++;
      if (depth > most) return true;
    } else if (CLOSED.has(code)) depth--;
  }
  return false;
}

/** The value of JSON text. `fail` is told what is wrong with it. */
export function parseJson(text: string, fail: Fail): unknown {
  if (nestsDeeper(text)) return fail(`must be JSON of at most ${DEEPEST} levels, nests deeper`);
  try {
    return JSON.parse(text);
  } catch (error) {
    return fail(`must be JSON; ${error instanceof Error ? error.message : String(error)}`);
  }
}

export function isRecord(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** A whole number from 0 that arithmetic keeps exact. */
export function isCount(value: unknown): value is number {
  return typeof value === 'number' && Number.isSafeInteger(value) && value >= 0;
}
