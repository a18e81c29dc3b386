// Rows of hidden states whose logits are in memory at the same time: with 50,000 token ids, all of a batch would be gigabytes.

/** Consecutive rows. */
export interface RowBlock {
  readonly begin: number;
  readonly size: number;
}

/** Numbers of logits that are held at once, 256 MiB: products large enough to fill a device, within its limits of a buffer. */
const MOST_LOGITS = 2 ** 26;

/** `rows` rows of V logits in blocks of `most` at most; 0: as many as take 256 MiB, one at least. Sizes differ by one at most. */
export function rowBlocks(rows: number, vocabSize: number, most = 0): RowBlock[] {
  const held = most > 0 ? most : Math.max(1, Math.floor(MOST_LOGITS / vocabSize));
  const count = Math.max(1, Math.ceil(rows / held));
  const edge = (index: number): number => Math.floor((index * rows) / count);
  return Array.from({length: count}, (_, i) => ({begin: edge(i), size: edge(i + 1) - edge(i)}));
}
