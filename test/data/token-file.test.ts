import {existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {hostname, tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {
  CorpusError,
  closeData,
  openData,
  prepareData,
  resolveFiles,
  TokenFile,
  TokenFileError,
  TokenWriter,
} from '../../data/files/index.js';
import {TokenizerError, tokenizerFromJSON} from '../../data/tokenizers/index.js';
import {tinyBpe} from '../support/tiny-bpe.js';

async function failure(promise: Promise<unknown>): Promise<Error> {
  try {
    await promise;
  } catch (error) {
    if (error instanceof Error) return error;
  }
  throw new Error('expected a failure');
}

describe('token files', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-data-'));
  });
  afterEach(() => rmSync(folder, {recursive: true}));
  const at = (name: string): string => join(folder, name);
  const text = (name: string, content: string | Uint8Array): string => {
    writeFileSync(at(name), content);
    return at(name);
  };

  for (const vocabSize of [300, 100_000]) {
    it(`gives back ranges and borders, ${vocabSize} ids`, () => {
      const documents = [[1, 2, 299], [vocabSize - 1], [5, 6]];
      const writer = new TokenWriter(at('a.tokens'), vocabSize);
      for (const ids of documents) {
        writer.startDocument();
        writer.add(Int32Array.from(ids.slice(0, 1)), 2);
        writer.add(Int32Array.from(ids.slice(1)), 3);
      }
      writer.finish();
      const file = TokenFile.open(at('a.tokens'));
      file.verify();
      expect([...file.read(0, 6)]).to.deep.equal(documents.flat());
      expect([...file.read(2, 3)]).to.deep.equal([299, vocabSize - 1, 5]);
      expect([...file.borders]).to.deep.equal([0, 3, 4, 6]);
      expect([file.count, file.textBytes, file.vocabSize]).to.deep.equal([6, 15, vocabSize]);
      expect(() => file.read(5, 2)).to.throw(RangeError, 'must lie in [0, 6]');
      file.close();
    });
  }

  it('refuses every kind of damage, naming the file', () => {
    const writer = new TokenWriter(at('a.tokens'), 300);
    writer.add(Int32Array.of(1, 2, 3), 3);
    writer.finish();
    const whole = readFileSync(at('a.tokens'));
    const broken = (change: (bytes: Buffer) => Buffer | undefined): (() => unknown) => {
      const bytes = Buffer.from(whole);
      writeFileSync(at('b.tokens'), change(bytes) ?? bytes);
      return () => {
        const file = TokenFile.open(at('b.tokens'));
        try {
          file.verify();
        } finally {
          file.close();
        }
      };
    };
    expect(broken(bytes => bytes.subarray(0, 60))).to.throw(TokenFileError, 'is no token file');
    expect(broken(bytes => bytes.subarray(0, -1))).to.throw(TokenFileError, 'must have 238 bytes');
    expect(broken(bytes => Buffer.concat([bytes, Buffer.of(0)]))).to.throw(TokenFileError, 'has 239');
    expect(broken(bytes => void bytes.writeUInt8(1, 24))).to.throw(TokenFileError, 'header does not match');
    expect(broken(bytes => void bytes.writeUInt8(9, 192))).to.throw(TokenFileError, 'their SHA-256');
    expect(broken(bytes => void bytes.writeUInt8(3, 8))).to.throw(TokenFileError, 'version 3');
    expect(() => TokenFile.open(at('none'))).to.throw(TokenFileError, 'cannot be opened');
    expect(broken(() => undefined)).to.not.throw();
  });

  it('compares what is read, block by block, and no more', () => {
    const writer = new TokenWriter(at('a.tokens'), 300);
    const ids = Int32Array.from({length: 100_000}, (_, i) => i % 300);
    for (let i = 0; i < ids.length; i += 999) writer.add(ids.subarray(i, i + 999), 1);
    writer.finish();
    const whole = readFileSync(at('a.tokens'));
    expect([...TokenFile.open(at('a.tokens')).read(32_760, 20)]).to.deep.equal([
      ...ids.slice(32_760, 32_780),
    ]);
    whole.writeUInt16LE(7, 192 + 2 * 40_000);
    writeFileSync(at('b.tokens'), whole);
    const file = TokenFile.open(at('b.tokens'));
    expect([...file.read(0, 10)]).to.deep.equal([...ids.slice(0, 10)]);
    expect(() => file.read(39_000, 4)).to.throw(TokenFileError, 'b.tokens is damaged: bytes 65728 to 131264');
    expect(() => file.verify()).to.throw(TokenFileError, 'do not match their SHA-256');
    file.close();
    whole.writeUInt8(whole[whole.length - 1] ^ 1, whole.length - 1);
    writeFileSync(at('b.tokens'), whole);
    expect(() => TokenFile.open(at('b.tokens'))).to.throw(TokenFileError, "blocks' digests do not match");
  });

  it('compares the whole of a file of version 1 before it believes any of it', () => {
    const whole = readFileSync(
      join(import.meta.dirname, '../../../test/fixtures/v0.1.0/tokens/valid.tokens'),
    );
    const read = (bytes: Buffer): Int32Array => {
      writeFileSync(at('old.tokens'), bytes);
      const file = TokenFile.open(at('old.tokens'));
      try {
        return file.read(0, 3);
      } finally {
        file.close();
      }
    };
    expect(read(whole)).to.have.lengthOf(3);
    whole.writeUInt16LE(whole.readUInt16LE(140) === 1 ? 2 : 1, 140);
    expect(() => read(whole)).to.throw(TokenFileError, 'does not match its SHA-256');
  });

  it('takes over what a killed preparation left, and nothing else', async () => {
    const file = text('a.txt', 'some text of some words\n'.repeat(50));
    const prepare = (): Promise<unknown> => prepareData({files: [file], tokenizer: 'char', out: at('out')});
    await prepare();
    rmSync(join(at('out'), 'data.json')); // written last
    writeFileSync(join(at('out'), 'train.tokens.0123456789abcdef.tmp'), 'half');
    writeFileSync(join(at('out'), 'lock.json'), JSON.stringify({host: hostname(), pid: 2 ** 22 + 1}));
    writeFileSync(join(at('out'), 'mine.txt'), 'mine');
    expect((await failure(prepare())).message).to.include('exists and is not empty');
    expect(readFileSync(join(at('out'), 'mine.txt'), 'utf8')).to.equal('mine');
    rmSync(join(at('out'), 'mine.txt'));
    await prepare();
    expect(readdirSync(at('out')).sort()).to.deep.equal([
      'data.json',
      'tokenizer.json',
      'train.tokens',
      'valid.tokens',
    ]);
    expect((await failure(prepare())).message).to.include('exists and is not empty');
  });

  it('leaves no file behind that is not whole', () => {
    const writer = new TokenWriter(at('a.tokens'), 300);
    writer.add(Int32Array.of(1), 1);
    expect(existsSync(at('a.tokens'))).to.equal(false);
    writer.abandon();
    expect(readdirSync(folder)).to.deep.equal([]);
  });

  it('prepares a folder whose splits join to the corpus, cut inside no character', async () => {
    const corpus = `${'\u00e9t\u00e9 a\n'.repeat(400)}end`;
    const file = text('a.txt', corpus);
    for (const validShare of [0.1, 0.1001, 0.1002]) {
      rmSync(at('out'), {recursive: true, force: true});
      await prepareData({files: [file], validShare, tokenizer: 'char', out: at('out')});
      const data = openData(at('out'), {verify: true});
      const texts = [data.train, data.valid].map(one => data.tokenizer.decode(one.read(0, one.count)));
      expect(texts.join('')).to.equal(corpus);
      expect(Buffer.byteLength(texts[1]) / Buffer.byteLength(corpus)).to.be.closeTo(validShare, 0.001);
      expect(data.train.textBytes).to.equal(Buffer.byteLength(texts[0]));
      closeData(data);
    }
  });

  it('knows documents: files, lines of .jsonl, and the end-of-text token', async () => {
    const lines = ['the one', 'two the'].map(words => JSON.stringify({text: words})).join('\n');
    writeFileSync(at('tokenizer.json'), JSON.stringify(tinyBpe()));
    const summary = await prepareData({
      files: [text('a.jsonl', `${lines}\n`), text('b.txt', 'the')],
      validFiles: [text('c.txt', 'the end')],
      tokenizer: at('tokenizer.json'),
      out: at('out'),
    });
    expect(summary.splits.train.documents).to.equal(3);
    expect(summary.sources.map(source => source.name)).to.deep.equal(['a.jsonl', 'b.txt', 'c.txt']);
    const data = openData(at('out'));
    const [first, second, third] = data.train.borders;
    expect(data.tokenizer.decode(data.train.read(first, second - first))).to.equal('the one<|endoftext|>');
    expect(data.tokenizer.decode(data.train.read(second, third - second))).to.equal('two the<|endoftext|>');
    closeData(data);
  });

  it('encodes long text in pieces as it would in one', async () => {
    const words = Array.from({length: 280_000}, (_, i) =>
      i % 13 === 0 ? 'the,\n\n ' : i % 7 === 0 ? 'the\n' : 'the ',
    );
    const corpus = words.join('');
    writeFileSync(at('tokenizer.json'), JSON.stringify(tinyBpe()));
    await prepareData({
      files: [text('a.txt', corpus)],
      validFiles: [text('b.txt', 'the')],
      tokenizer: at('tokenizer.json'),
      out: at('out'),
    });
    const data = openData(at('out'));
    const expected = tokenizerFromJSON(tinyBpe()).encode(corpus);
    expect(
      Buffer.from(data.train.read(0, data.train.count - 1).buffer).equals(Buffer.from(expected.buffer)),
    ).to.equal(true);
    closeData(data);
  });

  it('refuses corpora that cannot be used, and leaves nothing behind', async () => {
    const prepare = (files: string[], more: object = {}) =>
      failure(prepareData({files, tokenizer: 'char', out: at('out'), ...more}));
    const good = text('good.txt', 'abc def');
    const cases: [Promise<Error>, new (m: string) => Error, string][] = [
      [prepare([at('none.txt')]), CorpusError, 'cannot be opened'],
      [prepare([text('empty.txt', '')]), CorpusError, 'is empty'],
      [prepare([text('latin.txt', Uint8Array.of(97, 0xe9, 97))]), CorpusError, 'must be UTF-8'],
      [prepare([text('a.jsonl', '{"text": "a"}\n{"txt": 1}')]), CorpusError, 'line 2 must be an object'],
      [prepare([text('b.jsonl', '{"text": "a"')]), CorpusError, 'line 1 is no JSON'],
      [prepare([good], {validShare: 1.5}), CorpusError, 'between 0 and 1'],
      [prepare([good], {tokenizer: at('none.json')}), TokenizerError, 'does not exist'],
      [prepare([good], {tokenizer: text('t.json', '{')}), TokenizerError, 'must be JSON'],
      [prepare([folder]), CorpusError, 'must be a file, is a folder'],
      [prepare([text('c.jsonl', '{"text": ""}\n')]), CorpusError, 'c.jsonl: the documents hold no text'],
      [prepare([good], {out: folder}), CorpusError, 'not empty'],
      [prepare([text('one.txt', 'a')]), TokenFileError, 'would hold no tokens'],
    ];
    for (const [failed, kind, words] of cases) {
      const error = await failed;
      expect(error.message).to.include(words);
      expect(error).to.be.instanceOf(kind);
    }
    expect(existsSync(at('out'))).to.equal(false);
  });

  it('refuses a data folder whose parts do not belong together', async () => {
    const file = text('a.txt', 'abcdefghij');
    await prepareData({files: [file], tokenizer: 'char', out: at('a')});
    await prepareData({files: [file], validShare: 0.5, tokenizer: 'byte', out: at('b')});
    expect(() => openData(at('c'))).to.throw(TokenFileError, 'is no data folder');
    writeFileSync(join(at('a'), 'tokenizer.json'), readFileSync(join(at('b'), 'tokenizer.json')));
    expect(() => openData(at('a'))).to.throw(TokenFileError, 'is not the tokenizer that');
    const record = join(at('a'), 'data.json');
    const {tokenizer: _, sha256: _seal, ...earlier} = JSON.parse(readFileSync(record, 'utf8'));
    writeFileSync(record, JSON.stringify(earlier));
    expect(() => openData(at('a'))).to.throw(TokenFileError, 'vocabulary of 10, its tokenizer 256');
    writeFileSync(join(at('a'), 'valid.tokens'), readFileSync(join(at('b'), 'valid.tokens')));
    writeFileSync(join(at('a'), 'train.tokens'), readFileSync(join(at('b'), 'train.tokens')));
    expect(() => openData(at('a'))).to.throw(TokenFileError, 'is not the file that');
    rmSync(join(at('b'), 'tokenizer.json'));
    expect(() => openData(at('b'))).to.throw(TokenizerError, 'does not exist');
  });
});

describe('corpora', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-corpora-'));
  });
  afterEach(() => rmSync(folder, {recursive: true}));

  it('tiny-shakespeare ships with the project, with the checksum of the manifest', async () => {
    const [file] = await resolveFiles(['tiny-shakespeare']);
    expect(readFileSync(file).length).to.equal(1_115_394);
    expect((await failure(resolveFiles(['wikitext-2']))).message).to.include('bmojo data fetch wikitext-2');
    expect((await failure(resolveFiles(['shakespear']))).message).to.include('neither a file nor a corpus');
  });
});
