// Text from tokens that come one by one: characters spread over several tokens appear when they are complete.

import type {Tokenizer} from './tokenizer.js';

/** What is shown on the whole is the text of all tokens together, for any ids of any tokenizer. */
export class TextStream {
  /** Tokens shown, which give the decoder what stands before: the last that have a text of their own. */
  private context: number[] = [];
  /** Tokens not shown yet. */
  private waiting: number[] = [];

  constructor(private readonly tokenizer: Pick<Tokenizer, 'decode' | 'isOpen'>) {}

  /** The text that is complete after one more token; empty inside a character. */
  push(id: number): string {
    this.waiting.push(id);
    if (this.tokenizer.isOpen(this.waiting)) return '';
    const fresh = this.fresh();
    if (fresh !== '') {
      const alone = this.tokenizer.decode(this.waiting) !== '';
      this.context = alone ? this.waiting : [...this.context, ...this.waiting];
    }
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
