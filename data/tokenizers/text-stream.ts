// Text from tokens that come one by one: characters spread over several tokens appear when they are complete.

import type {Tokenizer} from './tokenizer.js';

const REPLACEMENT = '\ufffd';
/** A character takes at most four bytes, hence four tokens; what is longer incomplete is no text and is shown as it is. */
const LONGEST = 4;

export class TextStream {
  /** The tokens shown last, which give word-level decoders their context. */
  private context: number[] = [];
  /** Tokens not shown yet. */
  private waiting: number[] = [];

  constructor(private readonly tokenizer: Pick<Tokenizer, 'decode'>) {}

  /** The text that is complete after one more token; empty inside a character. */
  push(id: number): string {
    this.waiting.push(id);
    const fresh = this.fresh();
    if (fresh.endsWith(REPLACEMENT) && this.waiting.length < LONGEST) return '';
    this.context = this.waiting;
    this.waiting = [];
    return fresh;
  }

  /** What is left when no more tokens come. */
  end(): string {
    const rest = this.fresh();
    this.context = [];
    this.waiting = [];
    return rest;
  }

  private fresh(): string {
    const shown = this.tokenizer.decode(this.context);
    return this.tokenizer.decode([...this.context, ...this.waiting]).slice(shown.length);
  }
}
