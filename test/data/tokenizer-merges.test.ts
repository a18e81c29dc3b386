// Tokenizers on which the reference implementation would end the whole process are refused before it sees them.

import {expect} from 'chai';
import {TokenizerError, tokenizerFromJSON} from '../../data/tokenizers/index.js';
import {tinyBpe} from '../support/tiny-bpe.js';

describe('merges of a BPE with a prefix for what continues a word', () => {
  const withPrefix = (prefix: unknown): unknown => {
    const json = structuredClone(tinyBpe()) as {model: Record<string, unknown>};
    json.model.continuing_subword_prefix = prefix;
    return json;
  };

  it('must continue with it', () => {
    expect(tokenizerFromJSON(withPrefix(null)).vocabSize).to.be.above(256);
    for (const prefix of ['x'.repeat(50_000), '##'])
      expect(() => tokenizerFromJSON(withPrefix(prefix))).to.throw(
        TokenizerError,
        'merge 0 must continue with',
      );
  });
});
