// The law of streams: the pieces together are the text of all tokens together.

import {expect} from 'chai';
import {randomStream} from '../../data/random.js';
import type {Tokenizer} from '../../data/tokenizers/index.js';
import {
  byteTokenizer,
  charTokenizer,
  huggingFaceTokenizer,
  TextStream,
  tokenizerFromJSON,
} from '../../data/tokenizers/index.js';
import {tinyBpe} from '../support/tiny-bpe.js';
import {decodedModel, decoders, hardTexts, tokenizerJson} from '../support/tokenizer-kinds.js';

const texts = hardTexts(40);
const {vocabSize: _, ...parts} = decodedModel(texts);
const lone = '\u{fffd}\u{feff}\ud83d\ude00';

const all: Record<string, Tokenizer> = {
  byte: byteTokenizer(),
  char: charTokenizer(['a', ' ', '\u{1f600}', ...lone.split('')]),
  'byte-level BPE': tokenizerFromJSON(tinyBpe()),
  ...Object.fromEntries(
    Object.entries(decoders).map(([name, decoder]) => [
      `decoder ${name}`,
      huggingFaceTokenizer(tokenizerJson({...parts, decoder})),
    ]),
  ),
};

describe('text streams', () => {
  for (const [name, tokenizer] of Object.entries(all))
    it(`${name}: pieces of random ids join to the text of all`, () => {
      for (let index = 0; index < 60; index++) {
        const random = randomStream([7, 1], index);
        // Few ids, near each other: bytes of one character meet.
        const from = random.integer(tokenizer.vocabSize);
        const span = index % 2 === 0 ? tokenizer.vocabSize : 1 + random.integer(70);
        const ids = Array.from(
          {length: 1 + random.integer(40)},
          () => (from + random.integer(span)) % tokenizer.vocabSize,
        );
        const stream = new TextStream(tokenizer);
        const shown = ids.map(id => stream.push(id)).join('') + stream.end();
        expect(shown, JSON.stringify(ids)).to.equal(tokenizer.decode(ids));
      }
    });

  it('shows a character as soon as it is complete', () => {
    const stream = new TextStream(byteTokenizer());
    const bytes = [...new TextEncoder().encode('a\u00e9\u4f60\u{1f600}\ufffd')];
    expect(bytes.map(byte => stream.push(byte))).to.deep.equal([
      'a',
      '',
      '\u00e9',
      '',
      '',
      '\u4f60',
      '',
      '',
      '',
      '\u{1f600}',
      '',
      '',
      '\ufffd',
    ]);
  });
});
