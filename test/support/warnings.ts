// What a piece of code says through console.warn.

/** Runs `body` and returns what it printed through console.warn. */
export async function warnings(body: () => Promise<void>): Promise<string[]> {
  const printed: string[] = [];
  const warn = console.warn;
  console.warn = (...words: unknown[]) => printed.push(words.join(' '));
  try {
    await body();
  } finally {
    console.warn = warn;
  }
  return printed;
}
