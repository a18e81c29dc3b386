// Inputs of every shape become the same tokens as the plain text, and a folder knows what belongs to it.

import {execFileSync} from 'node:child_process';
import {copyFileSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {documents} from '../../data/files/documents.js';
import {
  CorpusError,
  checkSameTokenizer,
  closeData,
  openData,
  prepareData,
  TokenFileError,
  verifyData,
} from '../../data/files/index.js';
import {PassageError, readPassages} from '../../data/files/passages.js';
import {charTokenizer, tokenizerDigest, tokenizerFromJSON} from '../../data/tokenizers/index.js';
import {bmojo, cli} from '../support/command.js';
import {tinyBpe} from '../support/tiny-bpe.js';

const trials = join(import.meta.dirname, '../../../test/trials');

describe('data prepare', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-prepare-'));
  });
  afterEach(() => rmSync(folder, {recursive: true}));
  const at = (name: string): string => join(folder, name);
  const write = (name: string, content: string | Uint8Array): string => {
    writeFileSync(at(name), content);
    return at(name);
  };
  let made = 0;
  /** Documents as text, in order of both splits. */
  const prepared = async (file: string, tokenizer = 'byte'): Promise<string[]> => {
    const out = at(`out-${made++}`);
    await prepareData({files: [file], validFiles: [write('valid.txt', 'valid')], tokenizer, out});
    const {train, tokenizer: own, ...rest} = openData(out, {verify: true});
    const texts = Array.from({length: train.borders.length - 1}, (_, i) =>
      own.decode(train.read(train.borders[i], train.borders[i + 1] - train.borders[i])),
    );
    closeData({train, tokenizer: own, ...rest});
    return texts;
  };

  it('byte order marks, extensions in capitals and content alone tell lines of JSON', async () => {
    const bom = join(trials, 'bom.jsonl');
    const lines = readFileSync(bom, 'utf8').replace('\ufeff', '');
    const texts = lines
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).text);
    expect(await prepared(bom)).to.deep.equal(texts);
    for (const name of ['a.JSONL', 'a.jsonl', 'a.ndjson', 'a.txt', 'a']) {
      expect(await prepared(write(name, lines)), name).to.deep.equal(texts);
      expect(await prepared(write(name, lines.replaceAll('\n', '\r\n'))), name).to.deep.equal(texts);
    }
    expect(await prepared(write('b.txt', '\ufeffa\ufeffb')), 'the mark at the begin alone').to.deep.equal([
      'a\ufeffb',
    ]);
    expect(await prepared(write('b.txt', '{"a": 1}\n')), 'text').to.deep.equal(['{"a": 1}\n']);
    expect(readPassages(join(trials, 'passages-bom.jsonl'))[0].context).to.not.match(/^\ufeff/);
  });

  it('passages that are no text in UTF-8 are refused, not mended', () => {
    const latin = write('latin.jsonl', Buffer.from('{"text": "un caf\u00e9 noir"}\n', 'latin1'));
    expect(() => readPassages(latin)).to.throw(PassageError, 'must be UTF-8');
    expect(() => readPassages(folder)).to.throw(PassageError, 'is a folder');
  });

  it('a pipe is read once and kept', async () => {
    const file = write('a.txt', 'one two three '.repeat(20));
    const out = at('piped');
    execFileSync('bash', [
      '-c',
      `"${process.execPath}" "${cli}" data prepare <(cat "${file}") --tokenizer byte --out "${out}"`,
    ]);
    const data = openData(out, {verify: true});
    expect(data.summary.sources[0].bytes).to.equal(280);
    expect(data.train.count + data.valid.count).to.equal(280);
    closeData(data);
  });

  it('blocks of any shape encode as the whole, each looked at once', async () => {
    writeFileSync(at('tokenizer.json'), JSON.stringify(tinyBpe()));
    const whole = tokenizerFromJSON(tinyBpe());
    for (const piece of ['e\n', 'the\r\n', 'the,']) {
      const text = piece.repeat(Math.ceil(1_100_000 / piece.length));
      const out = at(`shape-${made++}`);
      await prepareData({
        files: [write('shape.txt', text)],
        validFiles: [write('v.txt', 'v')],
        tokenizer: at('tokenizer.json'),
        out,
      });
      const data = openData(out);
      const ids = data.train.read(0, data.train.count - 1);
      closeData(data);
      expect(
        Buffer.from(ids.buffer).equals(Buffer.from(whole.encode(text).buffer)),
        JSON.stringify(piece),
      ).to.equal(true);
    }
  });

  it('looks at each character a bounded number of times', () => {
    const file = write('one.txt', 'x'.repeat(8 << 20));
    let looked = 0;
    const pieces = [
      ...documents(file, (text, from) => {
        looked += text.length - from;
        return 0;
      }),
    ];
    expect(pieces.map(({text}) => text.length)).to.deep.equal([8 << 20]);
    expect(looked).to.be.at.most(9 << 20);
  });

  it('refuses what cannot be held, naming the remedy', async () => {
    const error = await prepareData({files: [at('none')], tokenizer: 'byte', out: at('x')}).catch(
      (e: unknown) => e,
    );
    expect(error).to.be.instanceOf(CorpusError);
  });

  it('a folder carries its tokenizer’s digest, and says all that does not match', async () => {
    const out = at('d');
    await prepareData({files: [write('a.txt', 'abcdefghij'.repeat(9))], tokenizer: 'char', out});
    expect(verifyData(out).notes).to.deep.equal([]);
    const tokenizer = join(out, 'tokenizer.json');
    const reversed = {type: 'char', characters: [...'abcdefghij'].reverse()};
    writeFileSync(tokenizer, JSON.stringify(reversed));
    expect(() => openData(out)).to.throw(TokenFileError, 'is not the tokenizer that');
    const bytes = readFileSync(join(out, 'train.tokens'));
    bytes.writeUInt8(9, 128);
    writeFileSync(join(out, 'train.tokens'), bytes);
    expect(() => verifyData(out)).to.throw(
      TokenFileError,
      /tokenizer\.json: digest .*; .*train\.tokens is damaged/,
    );
    const shown = await bmojo(['data', 'verify', out]);
    expect(shown.code).to.equal(1);
    expect(shown.err).to.include('tokenizer.json: digest').and.to.not.include('    at ');
  });

  it('another tokenizer of the same size is refused, whatever the order of keys is not', async () => {
    const [a, b] = ['alphabet-a.txt', 'alphabet-b.txt'].map(name => join(trials, name));
    for (const [name, file] of Object.entries({a, b}))
      await prepareData({files: [file], tokenizer: 'char', out: at(name)});
    const data = openData(at('b'));
    expect(() => checkSameTokenizer(at('a'), data)).to.throw(TokenFileError, 'another tokenizer');
    copyFileSync(join(at('b'), 'tokenizer.json'), at('tokenizer.json'));
    expect(() => checkSameTokenizer(folder, data)).to.not.throw();
    closeData(data);
    const json = tinyBpe() as Record<string, unknown>;
    const turned = Object.fromEntries(Object.entries(json).reverse());
    const digest = (value: unknown): string => tokenizerDigest(tokenizerFromJSON(value));
    expect(digest(turned)).to.equal(digest(json));
    expect(digest({...json, normalizer: {type: 'NFC'}})).to.not.equal(digest(json));
    expect(tokenizerDigest(charTokenizer(['a', 'b']))).to.not.equal(
      tokenizerDigest(charTokenizer(['b', 'a'])),
    );
  });

  it('data tokenizer trains the same BPE each time, and a smaller one is the begin of a larger one', async () => {
    const file = write('text.txt', 'the cat and the hat, the cats and the hats\n'.repeat(50));
    const lines = write('lines.jsonl', `${JSON.stringify({text: readFileSync(file, 'utf8')})}\n`);
    const trained = async (from: string, vocab: number, out: string): Promise<Record<string, unknown>> => {
      const ended = await bmojo(['data', 'tokenizer', from, '--vocab', String(vocab), '--out', at(out)]);
      expect(ended.code, ended.err).to.equal(0);
      expect(ended.out).to.include(`vocabulary of ${vocab} from 2150 bytes`);
      return JSON.parse(readFileSync(at(out), 'utf8'));
    };
    const small = await trained(file, 262, 'small.json');
    expect(await trained(lines, 262, 'again.json')).to.deep.equal(small);
    const {model} = (await trained(file, 264, 'large.json')) as {model: {merges: unknown[]}};
    expect(model.merges.slice(0, 5)).to.deep.equal((small as {model: {merges: unknown[]}}).model.merges);
    const tokenizer = tokenizerFromJSON(small);
    expect(tokenizer.vocabSize).to.equal(262);
    expect(tokenizer.decode(tokenizer.encode('any \u4f60 text'))).to.equal('any \u4f60 text');
    expect([...tokenizer.encode('the')]).to.have.lengthOf.below(3);
    for (const [vocab, out, words] of [
      ['256', 'x.json', '--vocab must be an integer in [258, '],
      ['9999', 'x.json', 'more than this text gives'],
      ['262', 'small.json', 'exists'],
    ]) {
      const refused = await bmojo(['data', 'tokenizer', file, '--vocab', vocab, '--out', at(out)]);
      expect(refused.code).to.not.equal(0);
      expect(refused.err).to.include(words).and.to.not.include('    at ');
    }
  });
});
