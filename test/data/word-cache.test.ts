// Words are encoded once, and what is remembered of them has an end.

import {expect} from 'chai';
import {cutsAtSpaces} from '../../data/tokenizers/cuts.js';
import {WordCache} from '../../data/tokenizers/hugging-face/word-cache.js';

const codes = (text: string): Int32Array => Int32Array.from(text, character => character.charCodeAt(0));

/** A cache over an encoder whose ids are the characters' codes, and the words that it was asked for. */
function spied(limits = {}) {
  const asked: string[] = [];
  const cache = new WordCache(
    cutsAtSpaces,
    {
      first: async word => {
        asked.push(word);
        return codes(word);
      },
      others: async words => {
        asked.push(...words);
        return words.map(codes);
      },
    },
    limits,
  );
  return {cache, asked};
}

const long = ` ${'x'.repeat(60)}`;
const texts = ['', 'one', 'one two two', 'two one two', `a${long} b${long}`, `a${long}`, 'one two'];

describe('words that are encoded once', () => {
  it('have the ids of the whole text, each asked for once but for long ones', async () => {
    const {cache, asked} = spied();
    for (const text of texts) expect(await cache.encode(text), text).to.deep.equal(codes(text));
    expect(asked).to.deep.equal(['one', ' two', 'two', ' one', 'a', long, ' b', long]);
  });

  for (const limits of [{words: 2}, {ids: 5}])
    it(`are given up beyond ${JSON.stringify(limits)}, and asked for again`, async () => {
      const {cache, asked} = spied(limits);
      for (const text of [...texts, ...texts])
        expect(await cache.encode(text), text).to.deep.equal(codes(text));
      expect(asked.filter(word => word === ' two')).to.have.lengthOf.above(2);
    });
});
