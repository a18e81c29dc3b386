// A byte-level BPE of 259 ids in the form of a tokenizer.json: an end of text, the 256 bytes, and two merges.

/** The printable stand-ins of bytes in byte-level BPE, in the order of the bytes (GPT-2, Radford et al. 2019). */
function byteCharacters(): string[] {
  const printable = (byte: number): boolean =>
    (byte >= 33 && byte <= 126) || (byte >= 161 && byte <= 172) || (byte >= 174 && byte <= 255);
  let next = 256;
  return Array.from({length: 256}, (_, byte) => String.fromCodePoint(printable(byte) ? byte : next++));
}

export function tinyBpe(): object {
  const words = ['<|endoftext|>', ...byteCharacters(), 'th', 'the', '\u0120the'];
  const special = {id: 0, content: words[0], single_word: false, lstrip: false, rstrip: false};
  const byteLevel = {type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true};
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [{...special, normalized: false, special: true}],
    normalizer: null,
    pre_tokenizer: byteLevel,
    post_processor: null,
    decoder: byteLevel,
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      continuing_subword_prefix: null,
      end_of_word_suffix: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: Object.fromEntries(words.map((word, id) => [word, id])),
      merges: ['t h', 'th e', '\u0120 the'],
    },
  };
}
