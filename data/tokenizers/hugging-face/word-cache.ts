// Words are encoded once: the reference implementation keeps a record of offsets for every token, which takes most of its time.

import type {MayCut} from '../cuts.js';
import {NumberLists} from './number-lists.js';

export interface WordEncoders {
  /** Encodes the begin of a text. */
  readonly first: (text: string) => Promise<Int32Array>;
  /** Encodes many words at once, each as it is inside a text. */
  readonly others: (words: readonly string[]) => Promise<Int32Array[]>;
}

export interface WordCacheLimits {
  /** Words held, beyond which all are given up. Default 400,000. */
  readonly words?: number;
  /** Ids held, likewise. Default 4,000,000. */
  readonly ids?: number;
}

/** Code units beyond which no word is remembered. */
const LONGEST_WORD = 48;

/** A copy: a part of a long string would keep all of it in memory. */
const ownCopy = (word: string): string => ` ${word}`.slice(1);

export class WordCache {
  private readonly ids = new NumberLists();
  /** Places in `ids`. */
  private readonly known = new Map<string, number>();
  /** Words at the begin of a text, where some tokenizers put a space before them. */
  private readonly begins = new Map<string, number>();

  constructor(
    private readonly mayCut: MayCut,
    private readonly encoders: WordEncoders,
    private readonly limits: WordCacheLimits = {},
  ) {}

  async encode(text: string): Promise<Int32Array> {
    if (text === '') return new Int32Array();
    this.makeRoom();
    const words = this.words(text);
    const places = new Int32Array(words.length);
    places[0] = await this.begin(words[0]);
    await this.placeOthers(words, places);
    return this.ids.joined(places);
  }

  private makeRoom(): void {
    const {words = 400_000, ids = 4_000_000} = this.limits;
    if (this.ids.count <= words && this.ids.used <= ids) return;
    for (const held of [this.known, this.begins, this.ids]) held.clear();
  }

  private async begin(word: string): Promise<number> {
    return this.begins.get(word) ?? this.remember(this.begins, word, await this.encoders.first(word));
  }

  /** Finds the places of all words but the first; encodes those without one, each once, and remembers them. */
  private async placeOthers(words: readonly string[], places: Int32Array): Promise<void> {
    /** Their numbers, from 0; until they have a place, -1 - number stands for it. */
    const missing = new Map<string, number>();
    for (let i = 1; i < words.length; i++) {
      const word = words[i];
      const place = this.known.get(word);
      if (place !== undefined) {
        places[i] = place;
        continue;
      }
      const number = missing.get(word) ?? missing.size;
      missing.set(word, number);
      places[i] = -1 - number;
    }
    if (missing.size === 0) return;
    const names = [...missing.keys()];
    const found = await this.encoders.others(names);
    const placed = names.map((word, n) => this.remember(this.known, word, found[n]));
    for (let i = 1; i < places.length; i++) if (places[i] < 0) places[i] = placed[-1 - places[i]];
  }

  private remember(held: Map<string, number>, word: string, ids: Int32Array): number {
    const place = this.ids.push(ids);
    if (word.length <= LONGEST_WORD) held.set(ownCopy(word), place);
    return place;
  }

  private words(text: string): string[] {
    const words: string[] = [];
    let begin = 0;
    for (let at = 1; at < text.length; at++) {
      if (!this.mayCut(text, at)) continue;
      words.push(text.slice(begin, at));
      begin = at;
    }
    words.push(text.slice(begin));
    return words;
  }
}
