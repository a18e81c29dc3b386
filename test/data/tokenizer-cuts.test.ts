// The law of division: a text encoded in pieces, and word by word, has the tokens of the whole, by the package itself.

import {createRequire} from 'node:module';
import {expect} from 'chai';
import {randomStream} from '../../data/random.js';
import {byteCharacters} from '../../data/tokenizers/hugging-face/byte-characters.js';
import {byteTokenizer, huggingFaceTokenizer} from '../../data/tokenizers/index.js';
import {
  bpe,
  byteTokens,
  hardTexts,
  mergePairs,
  preTokenizers,
  tokenizerJson,
  wellFormed,
} from '../support/tokenizer-kinds.js';

const {Tokenizer: Reference} = createRequire(import.meta.url)('tokenizers') as typeof import('tokenizers');

const COUNT = Number(process.env.BMOJO_TOKENIZER_TEXTS ?? 60);
const texts = hardTexts(COUNT).map(wellFormed);
/** Plain text has most of the places to divide. */
const plain = Array.from({length: COUNT}, (_, index) => {
  const random = randomStream([11, 3], index);
  const pieces = [
    'e',
    'the',
    'to',
    'A',
    '\u00e9',
    '\u4f60',
    '1',
    ',',
    '.',
    "'s",
    "'",
    '_',
    '-',
    '<s>',
    '\u00a0',
    '\n',
    '\r\n',
    '\n\n',
    '\t',
    ' ',
    '  ',
  ];
  return Array.from({length: 40}, () => pieces[random.integer(pieces.length)]).join('');
});
const all = [...texts, ...plain, 'e\n'.repeat(300), 'one two\r\n'.repeat(90), 'word '.repeat(99)];

const asBytes = (text: string): string =>
  Array.from(Buffer.from(text), byte => byteCharacters[byte]).join('');
/** Pairs are joined across any border between words that is not kept. */
const bytePairs = mergePairs(all.map(asBytes), 250);
const pairs = mergePairs(all, 250);
const added = [
  {
    content: '<|end|>',
    id: 1 << 12,
    special: true,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: false,
  },
  {
    content: '   ',
    id: (1 << 12) + 1,
    special: false,
    single_word: false,
    lstrip: false,
    rstrip: false,
    normalized: true,
  },
];

function tokenizerOf(name: string, normalizer: object | null): Record<string, unknown> {
  const {words, merges} = name.includes('ByteLevel') ? bytePairs : pairs;
  const vocab = Object.fromEntries(
    [...new Set(['<unk>', ...byteTokens, ...byteCharacters, ...words])].map((word, id) => [word, id]),
  );
  const model = bpe({words, merges}, {byte_fallback: true, vocab});
  return tokenizerJson({normalizer, pre_tokenizer: preTokenizers[name], model, added_tokens: added});
}

const DIVIDED =
  /^(ByteLevel|Whitespace|WhitespaceSplit|BertPreTokenizer|Metaspace \w+ split|Split (gpt\w+|qwen2), ByteLevel|.*inverted, ByteLevel|Digits.*, ByteLevel|Whitespace, Digits)$/;

describe('texts in pieces', () => {
  for (const name of Object.keys(preTokenizers))
    for (const normalizer of [null, {type: 'NFC'}])
      it(`${name}${normalizer === null ? '' : ', NFC'}: ${DIVIDED.test(name) ? 'pieces and words have the tokens of the whole' : 'stays whole'}`, async () => {
        const json = tokenizerOf(name, normalizer);
        const direct = Reference.fromString(JSON.stringify(json));
        const tokenizer = huggingFaceTokenizer(json);
        tokenizer.encode('enough to remember words '.repeat(1000));
        let cuts = 0;
        for (const [index, text] of all.entries()) {
          const whole = (await direct.encode(text, null, {addSpecialTokens: false})).getIds();
          expect([...tokenizer.encode(text)], JSON.stringify(text)).to.deep.equal(whole);
          const random = randomStream([5, 8], index);
          const ids: number[] = [];
          for (let begin = 0; begin < text.length; ) {
            const reach = Math.min(text.length, begin + 1 + random.integer(60));
            const cut = reach === text.length ? 0 : tokenizer.lastCut(text.slice(0, reach + 1), begin + 1);
            if (cut > 0) cuts++;
            const end = cut > 0 ? cut : text.length;
            ids.push(...tokenizer.encode(text.slice(begin, end)));
            begin = end;
          }
          expect(ids, JSON.stringify(text)).to.deep.equal(whole);
        }
        expect(cuts > 0).to.equal(DIVIDED.test(name));
      });

  it('added tokens that look around them keep texts whole', () => {
    const json = tokenizerOf('ByteLevel', null);
    for (const more of [{rstrip: true}, {lstrip: true}, {single_word: true}, {content: 'a b'}]) {
      const tokenizer = huggingFaceTokenizer({...json, added_tokens: [{...added[0], ...more}]});
      expect(tokenizer.lastCut('some words here', 1)).to.equal(0);
    }
    const tokenizer = huggingFaceTokenizer({...json, added_tokens: added});
    expect(tokenizer.lastCut('a word<|end|>', 1), 'before a token, not inside').to.equal(6);
  });

  it('bytes may be divided between any characters', () => {
    expect(byteTokenizer().lastCut('\u{1f600}', 1)).to.equal(0);
    expect(byteTokenizer().lastCut('a\u{1f600}b', 1)).to.equal(3);
  });
});
