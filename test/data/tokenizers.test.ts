import {expect} from 'chai';
import {bpeJson} from '../../data/tokenizers/hugging-face/bpe-json.js';
import {huggingFaceTokenizer} from '../../data/tokenizers/hugging-face/index.js';
import {
  byteTokenizer,
  charTokenizer,
  TextStream,
  TokenizerError,
  tokenizerFromJSON,
} from '../../data/tokenizers/index.js';
import {tinyBpe} from '../support/tiny-bpe.js';

const HARD = 'a\u00e9\u{1d11e}\ufeff\n\n  \tZ\r\n\u2028';
const again = (tokenizer: object) => tokenizerFromJSON(JSON.parse(JSON.stringify(tokenizer)));

describe('tokenizers', () => {
  const all = {
    byte: byteTokenizer(),
    char: charTokenizer([...new Set(HARD)].sort()),
    'hugging-face': tokenizerFromJSON(tinyBpe()),
  };
  for (const [name, tokenizer] of Object.entries(all)) {
    it(`${name}: text comes back, also through JSON`, () => {
      const ids = tokenizer.encode(HARD);
      expect(tokenizer.decode(ids)).to.equal(HARD);
      expect(ids.every(id => id >= 0 && id < tokenizer.vocabSize)).to.equal(true);
      expect(again(tokenizer).encode(HARD)).to.deep.equal(ids);
      expect(again(tokenizer).vocabSize).to.equal(tokenizer.vocabSize);
      expect(tokenizer.decode([])).to.equal('');
      expect(tokenizer.encode('')).to.have.lengthOf(0);
    });

    it(`${name}: tokens one by one give the same text`, () => {
      const text = HARD.repeat(9);
      const stream = new TextStream(tokenizer);
      const parts = [...tokenizer.encode(text)].map(id => stream.push(id));
      expect(parts.join('') + stream.end()).to.equal(text);
      expect(parts.join(''), 'no half characters').to.not.include('\ufffd');
    });

    it(`${name}: refuses ids that are not its own`, () => {
      expect(() => tokenizer.decode([tokenizer.vocabSize])).to.throw(TokenizerError, 'ids must be integers');
      expect(() => tokenizer.decode([-1])).to.throw(TokenizerError);
    });
  }

  it('byte pairs are merged, and the end of text is known', () => {
    const tokenizer = tokenizerFromJSON(tinyBpe());
    expect([...tokenizer.encode('the the')]).to.have.lengthOf(2);
    expect(tokenizer.endOfText).to.equal(0);
    expect([...tokenizer.encode('<|endoftext|>')]).to.deep.equal([0]);
    expect(tokenizer.decode([0])).to.equal('<|endoftext|>');
  });

  it('ids that no token has are named', () => {
    const gaps = bpeJson({
      vocab: {a: 2, b: 3},
      merges: [],
      added: [{id: 6, content: '<c>', single_word: false, lstrip: false, rstrip: false, normalized: false}],
      preTokenizer: null,
      decoder: {type: 'Fuse'},
    });
    expect(huggingFaceTokenizer(gaps, {browser: true}).unusedIds).to.deep.equal([0, 1, 4, 5]);
    expect(tokenizerFromJSON(tinyBpe()).unusedIds).to.deep.equal([]);
  });

  it('a char tokenizer names the character that it lacks', () => {
    expect(() => charTokenizer(['a', 'b']).encode('ab\u00e9')).to.throw(TokenizerError, 'U+00E9');
  });

  it('refuses malformed tokenizers, saying what is wrong', () => {
    const cases: [unknown, string][] = [
      [null, 'must be a JSON object'],
      [[1], 'must be a JSON object'],
      [{}, 'must be of type char, byte or hugging-face'],
      [{type: 'char'}, 'must be a list of text'],
      [{type: 'char', characters: []}, 'at least one'],
      [{type: 'char', characters: ['a', 'a']}, 'stands twice'],
      [{type: 'char', characters: ['ab']}, 'must be one character'],
      [{type: 'hugging-face'}, "with a 'model'"],
      [{model: {type: 'BPE'}}, 'cannot be used'],
      [{model: {type: 'Nonsense', vocab: {a: 0}}}, 'cannot be used'],
    ];
    for (const [json, words] of cases)
      expect(() => tokenizerFromJSON(json), JSON.stringify(json)).to.throw(TokenizerError, words);
  });
});
