// Tokens in browsers against the reference implementation: for every kind of part they are equal, or the kind is refused by name.

import {createRequire} from 'node:module';
import {expect} from 'chai';
import {randomStream} from '../../data/random.js';
import type {Tokenizer} from '../../data/tokenizers/index.js';
import {huggingFaceTokenizer, TokenizerError} from '../../data/tokenizers/index.js';
import {
  addedTokens,
  bpe,
  decodedModel,
  decoders,
  hardTexts,
  mergePairs,
  models,
  normalizers,
  preTokenizers,
  tokenizerJson,
  wellFormed,
  withAdded,
  withGaps,
  wordLevel,
} from '../support/tokenizer-kinds.js';

const {Tokenizer: Reference} = createRequire(import.meta.url)('tokenizers') as typeof import('tokenizers');

const COUNT = Number(process.env.BMOJO_TOKENIZER_TEXTS ?? 120);
const texts = hardTexts(COUNT);
type Json = ReturnType<typeof tokenizerJson>;

/** What the reference's own parts cut the texts into. */
function piecesOf(json: Json): Set<string> {
  const made = Reference.fromString(JSON.stringify({...json, model: wordLevel([])}));
  const [normalizer, splitter] = [made.getNormalizer(), made.getPreTokenizer()];
  const found = new Set<string>();
  for (const text of texts) {
    const whole = wellFormed(text);
    const normal = json.normalizer === null ? whole : (normalizer?.normalizeString(whole) ?? '');
    const pieces =
      json.pre_tokenizer === null
        ? [normal]
        : (splitter?.preTokenizeString(normal).map(([one]) => one) ?? []);
    for (const piece of pieces) found.add(piece);
  }
  return found;
}

function opened(json: Json): Tokenizer | string {
  try {
    return huggingFaceTokenizer(json, {browser: true});
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error;
    return error.message;
  }
}

const answer = <T>(body: () => T): T | string => {
  try {
    return body();
  } catch (error) {
    if (!(error instanceof TokenizerError)) throw error;
    return error.message;
  }
};

/** True where browsers accept the kind; then every text has the reference's tokens, and every list of ids its text. */
function agrees(json: Json): boolean {
  const browser = opened(json);
  if (typeof browser === 'string') {
    expect(browser).to.match(
      /(normalizer|pre-tokenizer|model|added token|decoder) .*(in browsers|is not known in browsers)/,
    );
    return false;
  }
  const reference = huggingFaceTokenizer(json);
  for (const text of texts)
    expect(
      answer(() => [...browser.encode(text)]),
      JSON.stringify(text),
    ).to.deep.equal(answer(() => [...reference.encode(text)]));
  return true;
}

/** Kinds that browsers refuse: anything else must be accepted. */
function check(title: string, kinds: Readonly<Record<string, Json>>, refused: RegExp): void {
  describe(title, () => {
    for (const [name, json] of Object.entries(kinds)) {
      const expected = !refused.test(name);
      it(`${name}: ${expected ? 'equal' : 'refused by name'}`, () => expect(agrees(json)).to.equal(expected));
    }
  });
}

const mapped = <A, B>(of: Readonly<Record<string, A>>, body: (value: A) => B): Record<string, B> =>
  Object.fromEntries(Object.entries(of).map(([name, value]) => [name, body(value)]));
const characters = {type: 'Split', pattern: {Regex: '[\\s\\S]'}, behavior: 'Isolated', invert: false};

describe('tokenizers in browsers and the reference', () => {
  check(
    'normalizers, whole',
    mapped(normalizers, normalizer => {
      const json = tokenizerJson({normalizer});
      return {...json, model: wordLevel(piecesOf(json))};
    }),
    /Nmt|ByteLevel/,
  );
  check(
    'normalizers, by character',
    mapped(normalizers, normalizer => {
      const json = tokenizerJson({normalizer});
      return {
        ...json,
        pre_tokenizer: characters,
        model: wordLevel([...piecesOf(json)].flatMap(piece => [...piece])),
      };
    }),
    /Nmt|ByteLevel/,
  );
  check(
    'pre-tokenizers',
    mapped(preTokenizers, pre_tokenizer => {
      const json = tokenizerJson({pre_tokenizer});
      return {...json, model: wordLevel(piecesOf(json))};
    }),
    /UnicodeScripts|prefix|Merged|^Split .* Contiguous/,
  );
  const splitters = {whole: null, words: {type: 'Whitespace'}, characters};
  for (const [name, pre_tokenizer] of Object.entries(splitters))
    check(
      `models, ${name}`,
      mapped(models(texts), model => tokenizerJson({model, pre_tokenizer})),
      /^BPE$|^BPE fuse|few bytes|prefix|Unigram/,
    );
  const gaps = bpe(withGaps(mergePairs(texts, 300)), {byte_fallback: true});
  for (const normalizer of [null, {type: 'NFC'}, {type: 'Lowercase'}, {type: 'Prepend', prepend: '\u2581'}])
    for (const scheme of ['none', 'always', 'first']) {
      const pre_tokenizer =
        scheme === 'none'
          ? null
          : {type: 'Metaspace', replacement: '\u2581', prepend_scheme: scheme, split: true};
      const before =
        scheme === 'first' && normalizer !== null ? /strip|single|normalized|spaces/ : /strip|single/;
      check(
        `added tokens, ${normalizer?.type ?? 'no normalizer'}, Metaspace ${scheme}`,
        mapped(addedTokens, tokens => tokenizerJson({normalizer, pre_tokenizer, ...withAdded(gaps, tokens)})),
        before,
      );
    }

  describe('decoders', () => {
    const {vocabSize, ...parts} = decodedModel(texts);
    for (const [name, decoder] of Object.entries(decoders)) {
      const refused = /CTC|Regex/.test(name);
      it(`${name}: ${refused ? 'refused by name' : 'equal'}`, () => {
        const json = tokenizerJson({...parts, decoder});
        const browser = opened(json);
        expect(typeof browser === 'string').to.equal(refused);
        if (typeof browser === 'string') return;
        const reference = huggingFaceTokenizer(json);
        for (let index = 0; index < 3 * COUNT; index++) {
          const random = randomStream([9, 9], index);
          const ids = Array.from({length: random.integer(9)}, () =>
            random.integer(4) === 0
              ? random.integer(257)
              : random.integer(3) === 0
                ? vocabSize - 1 - random.integer(18)
                : random.integer(vocabSize),
          );
          expect(browser.decode(ids), JSON.stringify(ids)).to.equal(reference.decode(ids));
        }
      });
    }
  });
});
