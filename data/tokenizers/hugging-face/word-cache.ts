// Words are encoded once: the reference implementation keeps a record of offsets for every token, which takes most of its time.

import type {MayCut} from '../cuts.js';

export interface WordEncoders {
  /** Encodes the begin of a text. */
  readonly first: (text: string) => Promise<Int32Array>;
  /** Encodes many words at once, each as it is inside a text. */
  readonly others: (words: readonly string[]) => Promise<Int32Array[]>;
}

/** Words remembered, and the length in code units beyond which none is. */
const MOST_WORDS = 400_000;
const LONGEST_WORD = 48;

export class WordCache {
  private readonly known = new Map<string, Int32Array>();
  /** Words at the begin of a text, where some tokenizers put a space before them. */
  private readonly begins = new Map<string, Int32Array>();

  constructor(
    private readonly mayCut: MayCut,
    private readonly encoders: WordEncoders,
  ) {}

  async encode(text: string): Promise<Int32Array> {
    if (text === '') return new Int32Array();
    const words = this.words(text);
    const parts = words.map((word, i) => (i === 0 ? undefined : this.known.get(word)));
    parts[0] = await this.begin(words[0]);
    await this.fill(words, parts);
    let length = 0;
    for (const own of parts) length += own?.length ?? 0;
    const ids = new Int32Array(length);
    let at = 0;
    for (const own of parts) {
      if (own === undefined) continue;
      if (own.length === 1) ids[at] = own[0];
      else ids.set(own, at);
      at += own.length;
    }
    return ids;
  }

  private async begin(word: string): Promise<Int32Array> {
    const known = this.begins.get(word);
    if (known !== undefined) return known;
    const found = await this.encoders.first(word);
    if (this.begins.size > MOST_WORDS) this.begins.clear();
    if (word.length <= LONGEST_WORD) this.begins.set(word, found);
    return found;
  }

  /** Encodes the words without ids, each once, and remembers them. */
  private async fill(words: readonly string[], parts: (Int32Array | undefined)[]): Promise<void> {
    const missing = new Map<string, number[]>();
    parts.forEach((own, i) => {
      if (own !== undefined) return;
      const places = missing.get(words[i]);
      if (places === undefined) missing.set(words[i], [i]);
      else places.push(i);
    });
    if (missing.size === 0) return;
    const names = [...missing.keys()];
    const found = await this.encoders.others(names);
    if (this.known.size > MOST_WORDS) this.known.clear();
    names.forEach((word, n) => {
      if (word.length <= LONGEST_WORD) this.known.set(word, found[n]);
      for (const place of missing.get(word) ?? []) parts[place] = found[n];
    });
  }

  private words(text: string): string[] {
    const words: string[] = [];
    let begin = 0;
    for (let at = 1; at < text.length; at++) {
      if (!this.mayCut(text, at)) continue;
      words.push(text.slice(begin, at));
      begin = at;
    }
    if (begin < text.length) words.push(text.slice(begin));
    return words;
  }
}
