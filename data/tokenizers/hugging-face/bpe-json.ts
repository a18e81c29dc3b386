// A BPE in the form of a tokenizer.json: what differs between ours, everything else as the reference's defaults are.

/** What the tokenizer.json of a BPE says beside defaults. */
export interface BpeParts {
  /** Ids by word. */
  readonly vocab: Readonly<Record<string, number>>;
  /** Pairs of words that are joined, the first first. */
  readonly merges: readonly (readonly [string, string])[];
  /** Tokens that are no text, in the form of `added_tokens`. */
  readonly added: readonly object[];
  readonly preTokenizer: object | null;
  readonly decoder: object;
}

/** Byte-level pre-tokenizer and decoder; `splitsWords` keeps merges within the words of GPT-2's expression. */
export function byteLevel(splitsWords: boolean): object {
  return {type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: splitsWords};
}

/** The object whose JSON is the tokenizer.json. Source: the format of the library tokenizers, version 1.0. */
export function bpeJson({vocab, merges, added, preTokenizer, decoder}: BpeParts): object {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: added,
    normalizer: null,
    pre_tokenizer: preTokenizer,
    post_processor: null,
    decoder,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      ignore_merges: false,
      vocab,
      merges,
    },
  };
}
