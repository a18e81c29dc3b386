// Tokenizers and streams that were once wrong, with the ids and texts of the reference.

import {readFileSync} from 'node:fs';
import {join} from 'node:path';
import {expect} from 'chai';
import {readTokenizer} from '../../data/files/index.js';
import type {Tokenizer} from '../../data/tokenizers/index.js';
import {
  byteTokenizer,
  huggingFaceTokenizer,
  TextStream,
  TokenizerError,
  tokenizerFromJSON,
} from '../../data/tokenizers/index.js';

const folder = join(import.meta.dirname, '../../../test/trials');
const json = (name: string) => JSON.parse(readFileSync(join(folder, name), 'utf8'));

interface Case {
  readonly file: string;
  readonly encode: readonly {readonly text: string; readonly ids: readonly number[]}[];
  readonly decode: readonly {readonly text: string; readonly ids: readonly number[]}[];
}

function check(tokenizer: Tokenizer, {encode, decode}: Case): void {
  for (const {text, ids} of encode) expect([...tokenizer.encode(text)], text).to.deep.equal(ids);
  for (const {text, ids} of decode) expect(tokenizer.decode(ids)).to.equal(text);
}

describe('tokenizer trials', () => {
  for (const one of json('tokenizer-cases.json') as Case[])
    it(`${one.file}: the ids of the reference in Node, the same or a refusal in browsers`, () => {
      check(readTokenizer(join(folder, one.file)), one);
      if (/merged|contiguous/.test(one.file))
        expect(() => huggingFaceTokenizer(json(one.file), {browser: true})).to.throw(
          TokenizerError,
          'Split with behavior',
        );
      else check(huggingFaceTokenizer(json(one.file), {browser: true}), one);
    });

  for (const {ids, text} of json('stream-cases.json'))
    it(`a stream of ${ids} gives ${JSON.stringify(text)}`, () => {
      const stream = new TextStream(byteTokenizer());
      const parts = ids.map((id: number) => stream.push(id));
      expect(parts.join('') + stream.end()).to.equal(text);
    });

  it('an id of 2^31 is refused at once', () => {
    expect(() => tokenizerFromJSON(json('huge-id.tokenizer.json'))).to.throw(
      TokenizerError,
      'the id of "b" must be an integer from 0',
    );
  });

  it('names that stand twice, deep values and control characters are refused in one line, in time', () => {
    const token = (content: string, id: number) => ({
      id,
      content,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    });
    const word = {type: 'WordLevel', unk_token: 'a', vocab: {a: 0}};
    const deep = JSON.parse(`${'['.repeat(20_000)}${']'.repeat(20_000)}`);
    const cases: [unknown, string][] = [
      [
        {model: word, added_tokens: Array.from({length: 160_000}, (_, id) => token('same', id))},
        'added token "same" stands twice',
      ],
      [{model: {...word, vocab: {a: 0, b: 0}}}, 'id 0 stands twice'],
      [{model: {...word, vocab: {'\u001b[31m\u009b\n': -1}}}, 'the id of "\\u001b[31m\\u009b\\n" must'],
      [deep, 'must be a JSON object, got a list'],
      [{model: word, normalizer: deep}, 'levels inside each other'],
      [{model: {...word, dropout: 0.1}}, 'dropout'],
      [{model: word, decoder: {type: 'Strip', content: ' ', start: 0, stop: 1}}, 'stop of 0'],
    ];
    const begun = process.cpuUsage().user;
    for (const [value, words] of cases) {
      let message = '';
      try {
        tokenizerFromJSON(value);
      } catch (error) {
        expect(error).to.be.instanceOf(TokenizerError);
        message = (error as Error).message;
      }
      expect(message).to.include(words);
      expect(message).to.match(/^[ -~]{1,400}$/);
    }
    expect(process.cpuUsage().user - begun, 'microseconds').to.be.below(3e6);
  });

  it('160,000 added tokens take linear time', () => {
    const vocab = {a: 0};
    const added_tokens = Array.from({length: 160_000}, (_, i) => ({
      id: i + 1,
      content: `<${i}>`,
      special: true,
      single_word: false,
      lstrip: false,
      rstrip: false,
      normalized: false,
    }));
    const begun = process.cpuUsage().user;
    const tokenizer = huggingFaceTokenizer({model: {type: 'WordLevel', unk_token: 'a', vocab}, added_tokens});
    expect([...tokenizer.encode('<159999>')]).to.deep.equal([160_000]);
    expect(process.cpuUsage().user - begun, 'microseconds').to.be.below(10e6);
  });
});
