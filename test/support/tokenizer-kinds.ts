// One tokenizer.json for each kind of normalizer, pre-tokenizer, model, decoder and added token, and texts that tell them apart.

import {randomStream} from '../../data/random.js';

export interface TokenizerKind {
  readonly name: string;
  readonly json: Readonly<Record<string, unknown>>;
}

type Part = Readonly<Record<string, unknown>>;

/** Pieces of text that tokenizers treat differently; random texts are made of them. */
const PIECES = [
  'the',
  'Then',
  'I',
  "don't",
  "WE'LL",
  'a',
  'word',
  '\u00e9t\u00e9',
  'cafe\u0301',
  'M\u00fcller',
  '\u0130stanbul',
  '\u03a3\u03af\u03c3\u03c5\u03c6\u03bf\u03c2',
  '\u01c5',
  '\ufb01n',
  '\u00bd',
  '\u0967\u0968',
  '\u0663',
  '\u2460',
  '\u216b',
  '12',
  '345',
  '7',
  '4,5',
  '\u4f60\u597d',
  '\u65e5\u672c',
  '\u304b\u3099',
  '\uac00',
  '\u1112\u1161\u11ab',
  '\u0926\u0941\u0928\u093f\u092f\u093e',
  '\u0e44\u0e17\u0e22',
  '\u{1f600}',
  '\u{1f468}\u200d\u{1f469}\u200d\u{1f467}',
  '\u{1f1e9}\u{1f1ea}',
  '\u2764\ufe0f',
  '\ud800',
  '\udc00',
  '\ufeff',
  '\u00a0',
  '\u3000',
  '\u2028',
  '\u0085',
  '\u200b',
  '\u00ad',
  '\r\n',
  '\n',
  '\n\n',
  '\t',
  ' ',
  '  ',
  '   ',
  ',',
  '.',
  '...',
  '-',
  '---',
  "'",
  '"',
  '_',
  '$',
  '+',
  '\u20ac',
  '\u3002',
  '\uff0c',
  '\u201c',
  '\u0000',
  '\u001f',
  '\ufffd',
  '\u2581',
  '[MASK]',
  '<x>',
  '##',
];

/** Fixed texts, then random ones of a seed. */
export function hardTexts(count: number, seed = 3): string[] {
  const fixed = [
    '',
    ' ',
    'a',
    'a b',
    ' leading',
    'trailing ',
    'caf\u00e9 M\u00fcller',
    'a,b',
    'a---b',
    '4  \u00bd',
    'a\ufeffa',
    'x\r\ny\r\n',
    '\u{10fffd}a b',
  ];
  return [
    ...fixed,
    ...PIECES,
    ...Array.from({length: count}, (_, index) => {
      const random = randomStream([seed, 0x7478], index);
      return Array.from({length: 1 + random.integer(24)}, () => {
        const piece = PIECES[random.integer(PIECES.length)];
        return random.integer(3) === 0 ? ` ${piece}` : piece;
      }).join('');
    }),
  ];
}

/** As in UTF-8, which has no form for half a character. */
export const wellFormed = (text: string): string =>
  text.replace(/[\ud800-\udbff](?![\udc00-\udfff])|(?<![\ud800-\udbff])[\udc00-\udfff]/g, '\ufffd');

const split = (pattern: Part, behavior: string, invert = false): Part => ({
  type: 'Split',
  pattern,
  behavior,
  invert,
});
const BEHAVIORS = ['Isolated', 'Removed', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'];

const WORDS = {
  gpt2: "'s|'t|'re|'ve|'m|'ll|'d| ?\\p{L}+| ?\\p{N}+| ?[^\\s\\p{L}\\p{N}]+|\\s+(?!\\S)|\\s+",
  gpt4: "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  qwen2:
    "(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\\r\\n\\p{L}\\p{N}]?\\p{L}+|\\p{N}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
  gpt4o:
    "[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]*[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]+(?i:'s|'t|'re|'ve|'m|'ll|'d)?|[^\\r\\n\\p{L}\\p{N}]?[\\p{Lu}\\p{Lt}\\p{Lm}\\p{Lo}\\p{M}]+[\\p{Ll}\\p{Lm}\\p{Lo}\\p{M}]*(?i:'s|'t|'re|'ve|'m|'ll|'d)?|\\p{N}{1,3}| ?[^\\s\\p{L}\\p{N}]+[\\r\\n/]*|\\s*[\\r\\n]+|\\s+(?!\\S)|\\s+",
};
const byteLevel = (more: Part = {}): Part => ({
  type: 'ByteLevel',
  add_prefix_space: false,
  trim_offsets: true,
  use_regex: true,
  ...more,
});
const metaspace = (more: Part = {}): Part => ({
  type: 'Metaspace',
  replacement: '\u2581',
  prepend_scheme: 'always',
  split: true,
  ...more,
});
const sequence = (...pretokenizers: Part[]): Part => ({type: 'Sequence', pretokenizers});

export const normalizers: Readonly<Record<string, Part>> = {
  none: {type: 'Sequence', normalizers: []},
  ...Object.fromEntries(
    ['NFC', 'NFD', 'NFKC', 'NFKD', 'Nmt', 'Lowercase', 'StripAccents', 'ByteLevel'].map(type => [
      type,
      {type},
    ]),
  ),
  'NFD, StripAccents': {type: 'Sequence', normalizers: [{type: 'NFD'}, {type: 'StripAccents'}]},
  'NFC, Lowercase': {type: 'Sequence', normalizers: [{type: 'NFC'}, {type: 'Lowercase'}]},
  'Strip left': {type: 'Strip', strip_left: true, strip_right: false},
  'Strip right': {type: 'Strip', strip_left: false, strip_right: true},
  'Strip both': {type: 'Strip', strip_left: true, strip_right: true},
  'Replace Regex begin': {type: 'Replace', pattern: {Regex: '^ '}, content: '\u2581'},
  'Replace Regex end': {type: 'Replace', pattern: {Regex: ' $'}, content: '\u2581'},
  Prepend: {type: 'Prepend', prepend: '\u2581'},
  'Replace String': {type: 'Replace', pattern: {String: ' '}, content: '\u2581'},
  'Replace Regex': {type: 'Replace', pattern: {Regex: ' {2,}'}, content: '\u2581'},
  'Prepend, Replace': {
    type: 'Sequence',
    normalizers: [
      {type: 'Prepend', prepend: '\u2581'},
      {type: 'Replace', pattern: {String: ' '}, content: '\u2581'},
    ],
  },
  ...Object.fromEntries(
    [
      [true, true, null, true],
      [true, true, true, false],
      [false, true, false, true],
      [true, false, false, false],
      [false, false, null, false],
      [false, false, true, false],
    ].map(([clean_text, handle_chinese_chars, strip_accents, lowercase]) => [
      `BertNormalizer ${clean_text} ${handle_chinese_chars} ${strip_accents} ${lowercase}`,
      {type: 'BertNormalizer', clean_text, handle_chinese_chars, strip_accents, lowercase},
    ]),
  ),
};

export const preTokenizers: Readonly<Record<string, Part>> = {
  none: sequence(),
  BertPreTokenizer: {type: 'BertPreTokenizer'},
  Whitespace: {type: 'Whitespace'},
  WhitespaceSplit: {type: 'WhitespaceSplit'},
  UnicodeScripts: {type: 'UnicodeScripts'},
  FixedLength: {type: 'FixedLength', length: 3},
  'Digits one': {type: 'Digits', individual_digits: true},
  'Digits many': {type: 'Digits', individual_digits: false},
  CharDelimiterSplit: {type: 'CharDelimiterSplit', delimiter: ','},
  ...Object.fromEntries(
    BEHAVIORS.map(behavior => [`Punctuation ${behavior}`, {type: 'Punctuation', behavior}]),
  ),
  ByteLevel: byteLevel(),
  'ByteLevel prefix': byteLevel({add_prefix_space: true}),
  'ByteLevel whole': byteLevel({use_regex: false}),
  'ByteLevel whole prefix': byteLevel({use_regex: false, add_prefix_space: true}),
  ...Object.fromEntries(
    ['always', 'first', 'never'].flatMap(prepend_scheme =>
      [true, false].map(cut => [
        `Metaspace ${prepend_scheme} ${cut ? 'split' : 'whole'}`,
        metaspace({prepend_scheme, split: cut}),
      ]),
    ),
  ),
  ...Object.fromEntries(
    [{String: ','}, {String: '-'}, {Regex: '\\s+'}, {Regex: '\\p{N}{1,3}'}, {Regex: '[A-Za-z]+'}].flatMap(
      pattern =>
        BEHAVIORS.flatMap(behavior =>
          [false, true].map(invert => [
            `Split ${Object.values(pattern)[0]} ${behavior}${invert ? ' inverted' : ''}`,
            split(pattern, behavior, invert),
          ]),
        ),
    ),
  ),
  ...Object.fromEntries(
    Object.entries(WORDS).map(([name, Regex]) => [
      `Split ${name}, ByteLevel`,
      sequence(split({Regex}, 'Isolated'), byteLevel({use_regex: false})),
    ]),
  ),
  'Split gpt4 removed inverted, ByteLevel': sequence(
    split({Regex: WORDS.gpt4}, 'Removed', true),
    byteLevel({use_regex: false}),
  ),
  'Digits, ByteLevel': sequence({type: 'Digits', individual_digits: true}, byteLevel()),
  'Digits many, ByteLevel': sequence({type: 'Digits', individual_digits: false}, byteLevel()),
  'Punctuation, Digits': sequence(
    {type: 'Punctuation', behavior: 'Isolated'},
    {type: 'Digits', individual_digits: false},
  ),
  'Whitespace, Digits': sequence({type: 'Whitespace'}, {type: 'Digits', individual_digits: true}),
  'WhitespaceSplit, Metaspace': sequence({type: 'WhitespaceSplit'}, metaspace()),
};

export const decoders: Readonly<Record<string, Part | null>> = {
  none: null,
  ByteLevel: byteLevel(),
  BPEDecoder: {type: 'BPEDecoder', suffix: '</w>'},
  WordPiece: {type: 'WordPiece', prefix: '##', cleanup: false},
  'WordPiece cleanup': {type: 'WordPiece', prefix: '##', cleanup: true},
  'Metaspace always': metaspace(),
  'Metaspace never': metaspace({prepend_scheme: 'never'}),
  'Metaspace first': metaspace({prepend_scheme: 'first'}),
  CTC: {type: 'CTC', pad_token: '<pad>', word_delimiter_token: '|', cleanup: true},
  Fuse: {type: 'Fuse'},
  Replace: {type: 'Replace', pattern: {String: '\u2581'}, content: ' '},
  'Replace Regex': {type: 'Replace', pattern: {Regex: 'a+'}, content: ' '},
  Strip: {type: 'Strip', content: ' ', start: 1, stop: 0},
  ByteFallback: {type: 'ByteFallback'},
  'ByteFallback, Fuse': {type: 'Sequence', decoders: [{type: 'ByteFallback'}, {type: 'Fuse'}]},
  sentencepiece: {
    type: 'Sequence',
    decoders: [
      {type: 'Replace', pattern: {String: '\u2581'}, content: ' '},
      {type: 'ByteFallback'},
      {type: 'Fuse'},
      {type: 'Strip', content: ' ', start: 1, stop: 0},
    ],
  },
};

/** A tokenizer.json with these parts. */
export function tokenizerJson(parts: Part): TokenizerKind['json'] {
  return {
    version: '1.0',
    truncation: null,
    padding: null,
    added_tokens: [],
    normalizer: null,
    pre_tokenizer: null,
    post_processor: null,
    decoder: null,
    ...parts,
  };
}

/** Words in the order given, the unknown one first. */
export function wordLevel(words: Iterable<string>): Part {
  const all = new Set(['<unk>', ...words]);
  return {
    type: 'WordLevel',
    unk_token: '<unk>',
    vocab: Object.fromEntries([...all].map((word, id) => [word, id])),
  };
}

type Bpe = Readonly<Record<string, unknown>> & {readonly vocab: Readonly<Record<string, number>>};

const numbered = (words: Iterable<string>): Record<string, number> =>
  Object.fromEntries([...new Set(words)].map((word, id) => [word, id]));

export const byteTokens = Array.from(
  {length: 256},
  (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`,
);

export interface Merged {
  readonly words: readonly string[];
  readonly merges: readonly (readonly [string, string])[];
}

/** Pairs that stand side by side most often, joined one after another, across words: what splits text then shows in its tokens. */
export function mergePairs(texts: readonly string[], count: number): Merged {
  let lists = texts.map(text => [...wellFormed(text)]);
  const words = new Set(lists.flat());
  const merges: [string, string][] = [];
  const border = '\u{f0000}';
  while (merges.length < count) {
    const seen = new Map<string, number>();
    for (const list of lists)
      for (let i = 1; i < list.length; i++) {
        const pair = list[i - 1] + border + list[i];
        seen.set(pair, (seen.get(pair) ?? 0) + 1);
      }
    const [best] = [...seen].reduce((most, one) => (one[1] > most[1] ? one : most), ['', 0]);
    const [left, right] = best.split(border);
    merges.push([left, right]);
    words.add(left + right);
    lists = lists.map(list => {
      const joined: string[] = [];
      for (let i = 0; i < list.length; i++) {
        const meets = list[i] === left && list[i + 1] === right;
        joined.push(meets ? left + right : list[i]);
        if (meets) i++;
      }
      return joined;
    });
  }
  return {words: [...words], merges};
}

/** The same without a third of its characters: what is unknown shows in the tokens. */
export function withGaps({words, merges}: Merged): Merged {
  const kept = new Set(words.filter((word, i) => [...word].length > 1 || i % 3 > 0));
  return {
    words: [...kept],
    merges: merges.filter(([left, right]) => kept.has(left) && kept.has(right) && kept.has(left + right)),
  };
}

export function bpe({words, merges}: Merged, more: Part = {}): Bpe {
  return {
    type: 'BPE',
    dropout: null,
    unk_token: null,
    continuing_subword_prefix: null,
    end_of_word_suffix: null,
    fuse_unk: false,
    byte_fallback: false,
    ignore_merges: false,
    vocab: numbered(['<unk>', ...byteTokens, ...words]),
    merges,
    ...more,
  };
}

export function models(texts: readonly string[]): Readonly<Record<string, Part>> {
  const all = mergePairs(texts, 300);
  const gaps = withGaps(all);
  const {words} = gaps;
  const wordPiece = (max_input_chars_per_word: number): Part => ({
    type: 'WordPiece',
    unk_token: '<unk>',
    continuing_subword_prefix: '##',
    max_input_chars_per_word,
    vocab: numbered(['<unk>', ...words, ...words.map(word => `##${word}`)]),
  });
  const unigram = (more: Part = {}): Part => ({
    type: 'Unigram',
    unk_id: 0,
    byte_fallback: false,
    ...more,
    vocab: [
      ['<unk>', 0],
      ...byteTokens.map(token => [token, -9]),
      ...words.map((word, i) => [word, -2 - (i % 97) / 7]),
    ],
  });
  return {
    BPE: bpe(all),
    'BPE without merges': bpe({words, merges: []}),
    'BPE unk': bpe(gaps, {unk_token: '<unk>'}),
    'BPE unk, ignore merges': bpe(all, {unk_token: '<unk>', ignore_merges: true}),
    'BPE fuse unk': bpe(gaps, {unk_token: '<unk>', fuse_unk: true}),
    'BPE byte fallback': bpe(gaps, {byte_fallback: true}),
    'BPE byte fallback, fuse unk': bpe(gaps, {byte_fallback: true, unk_token: '<unk>', fuse_unk: true}),
    'BPE byte fallback, few bytes': bpe(gaps, {
      byte_fallback: true,
      unk_token: '<unk>',
      vocab: numbered(['<unk>', '<0x0A>', ...words]),
    }),
    'BPE suffix': bpe(gaps, {
      end_of_word_suffix: '</w>',
      unk_token: '<unk>',
      vocab: numbered(['<unk>', ...words, ...words.map(word => `${word}</w>`)]),
    }),
    'BPE prefix': bpe(gaps, {
      continuing_subword_prefix: '##',
      unk_token: '<unk>',
      vocab: numbered(['<unk>', ...words, ...words.map(word => `##${word}`)]),
      merges: [],
    }),
    WordPiece: wordPiece(100),
    'WordPiece short': wordPiece(3),
    Unigram: unigram(),
    'Unigram byte fallback': unigram({byte_fallback: true}),
    WordLevel: wordLevel(words),
  };
}

const added = (content: string, more: Part = {}): Part => ({
  content,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
  special: false,
  ...more,
});

export const addedTokens: Readonly<Record<string, readonly Part[]>> = {
  plain: [added('<x>')],
  special: [added('<x>', {special: true})],
  lstrip: [added('[MASK]', {lstrip: true, special: true})],
  rstrip: [added('[MASK]', {rstrip: true})],
  'single word': [added('a', {single_word: true})],
  normalized: [added('word', {normalized: true}), added('Then', {normalized: true})],
  spaces: [added('   ', {normalized: true}), added('  ', {normalized: true})],
  overlapping: [added('the'), added('then'), added('he')],
  punctuation: [added('...'), added('---'), added('-')],
};

/** A model with these tokens added, and their ids. */
export function withAdded(model: Bpe, tokens: readonly Part[]): {model: Bpe; added_tokens: Part[]} {
  const size = Object.keys(model.vocab).length;
  return {
    model,
    added_tokens: tokens.map((token, i) => ({...token, id: model.vocab[String(token.content)] ?? size + i})),
  };
}

/** A model with tokens that decoders look for, and two added ones. */
export function decodedModel(texts: readonly string[]): {
  model: Bpe;
  added_tokens: Part[];
  vocabSize: number;
} {
  const {words} = mergePairs(texts, 100);
  const marks = [
    '##a',
    '##the',
    'a</w>',
    'the</w>',
    '<pad>',
    '|',
    ' .',
    " n't",
    '\u2581a',
    '\u2581the',
    '\u2581',
    '\u2581\u2581',
    '\u0120the',
    '\u00e4',
    '\u00bd\u0142',
    '\u00ef\u00bb\u00bf',
  ];
  const model = bpe({words: [...words, ...marks], merges: []}, {byte_fallback: true});
  const made = withAdded(model, [added('<s>', {special: true}), added('<y>')]);
  return {...made, vocabSize: Object.keys(model.vocab).length + 2};
}
