// What an implementation of Hugging Face's tokenizers gives us: the reference in Node, another one in browsers.

/** An opened tokenizer.json; ids are those that it lists. */
export interface InnerTokenizer {
  /** Errors: Error that says why the text cannot be encoded. */
  encode(text: string): Int32Array;
  decode(ids: readonly number[]): string;
}

/**
 * Opens the text of a tokenizer.json that has been checked to be one; undefined where the implementation is not installed.
 * Errors: Error that says why the implementation refuses it.
 */
export type OpenTokenizer = (json: string) => InnerTokenizer | undefined;
