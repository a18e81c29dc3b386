// What a user should know and need not act on, said once each.

const said = new Set<string>();

/** Writes a line to stderr unless it was written before. */
export function noteOnce(words: string): void {
  if (said.has(words)) return;
  said.add(words);
  process.stderr.write(`note: ${words}\n`);
}

/** For folders of a version that wrote no digests: one line for each of them. */
export function noteUnsealed(folder: string): void {
  noteOnce(`${folder} was written by a version without digests; what was changed in it since cannot be told`);
}
