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
    const [first, ...words] = this.words(text);
    const parts = [await this.begin(first)];
    const others = await this.lookUp(words);
    let length = parts[0].length;
    for (const word of words) {
      const own = others(word);
      parts.push(own);
      length += own.length;
    }
    const ids = new Int32Array(length);
    let at = 0;
    for (const own of parts) {
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

  private async lookUp(words: readonly string[]): Promise<(word: string) => Int32Array> {
    if (this.known.size > MOST_WORDS) this.known.clear();
    const missing = [...new Set(words.filter(word => !this.known.has(word)))];
    const found = missing.length === 0 ? [] : await this.encoders.others(missing);
    const long = new Map<string, Int32Array>();
    missing.forEach((word, i) => {
      (word.length > LONGEST_WORD ? long : this.known).set(word, found[i]);
    });
    return word => this.known.get(word) ?? long.get(word) ?? new Int32Array();
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
