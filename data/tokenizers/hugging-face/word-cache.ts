// Words are encoded once: the reference implementation keeps a record of offsets for every token, which takes most of its time.

import type {MayCut} from '../cuts.js';

/** Encodes many texts at once, none of which holds the separator of the cache. */
export type EncodeMany = (texts: readonly string[]) => Promise<Int32Array[]>;

/** Words remembered, and the length in code units beyond which none is. */
const MOST_WORDS = 400_000;
const LONGEST_WORD = 48;

export class WordCache {
  private readonly known = new Map<string, Int32Array>();

  constructor(
    private readonly mayCut: MayCut,
    private readonly encodeMany: EncodeMany,
  ) {}

  /** The ids of a text, which must begin where text may be cut, or at the begin of a document that begins as any word does. */
  async encode(text: string): Promise<Int32Array> {
    const words = this.words(text);
    if (this.known.size > MOST_WORDS) this.known.clear();
    const missing = [...new Set(words.filter(word => !this.known.has(word)))];
    const found = await this.encodeMany(missing);
    const long = new Map<string, Int32Array>();
    missing.forEach((word, i) => {
      (word.length > LONGEST_WORD ? long : this.known).set(word, found[i]);
    });
    const idsOf = (word: string): Int32Array => this.known.get(word) ?? long.get(word) ?? new Int32Array();
    const ids = new Int32Array(words.reduce((sum, word) => sum + idsOf(word).length, 0));
    let at = 0;
    for (const word of words) {
      const own = idsOf(word);
      if (own.length === 1) ids[at] = own[0];
      else ids.set(own, at);
      at += own.length;
    }
    return ids;
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
