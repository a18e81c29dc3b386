// A byte-level BPE of texts, by the npm package tokenizers. Byte pairs are joined in order of frequency, so that a smaller
// vocabulary is the begin of a larger one: the package learns its own number of pairs, and the first of them are kept.

import {
  closeSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  openSync,
  readFileSync,
  rmSync,
  writeSync,
} from 'node:fs';
import {createRequire} from 'node:module';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {writeFileAtomic} from '../../formats/atomic-file.js';
import {cutsAnywhere, lastCut} from '../tokenizers/cuts.js';
import {bpeJson, byteLevel} from '../tokenizers/hugging-face/bpe-json.js';
import {byteCharacters} from '../tokenizers/hugging-face/byte-characters.js';
import {TokenizerError} from '../tokenizers/index.js';
import {CorpusError, documents} from './documents.js';
import {withRegularFiles} from './regular-files.js';

/** Options of {@link trainTokenizer}, all of which must be given. */
export interface TrainTokenizerOptions {
  /** Text files, and files of one document a line. */
  readonly files: readonly string[];
  /** Ids in all: the end of a text, 256 bytes, and the pairs joined; at most about 30,000. */
  readonly vocabSize: number;
  /** The tokenizer.json to write. */
  readonly out: string;
}

/** What {@link trainTokenizer} made: ids in its vocabulary, and bytes of UTF-8 that it learnt from. */
export interface TrainedTokenizer {
  readonly vocabSize: number;
  readonly textBytes: number;
}

const END_OF_TEXT = '<|endoftext|>';
const FEWEST = 1 + byteCharacters.length;

type Merge = readonly [string, string];

function tokenizerJson(
  vocab: Readonly<Record<string, number>>,
  merges: readonly Merge[],
  added: object[],
): object {
  const words = byteLevel(true);
  return bpeJson({vocab, merges, added, preTokenizer: words, decoder: words});
}

function loadPackage(): typeof import('tokenizers') {
  try {
    return createRequire(import.meta.url)('tokenizers');
  } catch {
    throw new TokenizerError(
      'data tokenizer: needs the npm package tokenizers; install it with npm install tokenizers@0.23.2',
    );
  }
}

/** Writes the documents of all files into one, each ended by a line break. Returns their bytes of UTF-8. */
function gather(files: readonly string[], target: string): number {
  const out = openSync(target, 'wx');
  let bytes = 0;
  try {
    for (const file of files) {
      for (const {text, begins} of documents(file, (one, from) => lastCut(cutsAnywhere, one, from))) {
        if (begins && bytes > 0) writeSync(out, '\n');
        writeSync(out, text);
        bytes += Buffer.byteLength(text);
      }
    }
  } finally {
    closeSync(out);
  }
  return bytes;
}

/** Pairs in order of frequency. */
function learn(text: string, folder: string): Merge[] {
  const {Tokenizer} = loadPackage();
  const learner = Tokenizer.fromString(JSON.stringify(tokenizerJson({}, [], [])));
  learner.train([text]);
  const saved = join(folder, 'tokenizer.json');
  learner.save(saved, false);
  return JSON.parse(readFileSync(saved, 'utf8')).model.merges;
}

/** The first pairs that give a vocabulary of the size; two of them may give the same token. */
function keep(merges: readonly Merge[], vocabSize: number): {vocab: Record<string, number>; kept: Merge[]} {
  const words = new Set([END_OF_TEXT, ...byteCharacters]);
  const kept: Merge[] = [];
  for (const [left, right] of merges) {
    if (words.size === vocabSize) break;
    words.add(left + right);
    kept.push([left, right]);
  }
  if (words.size < vocabSize)
    throw new TokenizerError(
      `data tokenizer: --vocab ${vocabSize} is more than this text gives; it has pairs for ${words.size} ids`,
    );
  return {vocab: Object.fromEntries([...words].map((word, id) => [word, id])), kept};
}

/**
 * Trains a tokenizer; the same files give the same one. Errors: CorpusError for files that cannot be read, TokenizerError for a
 * vocabulary that is too small or too large for the text; nothing is written then.
 */
export async function trainTokenizer({
  files,
  vocabSize,
  out,
}: TrainTokenizerOptions): Promise<TrainedTokenizer> {
  if (!(Number.isInteger(vocabSize) && vocabSize > FEWEST))
    throw new TokenizerError(
      `data tokenizer: --vocab must be a whole number above ${FEWEST} (256 bytes and the end of a text), got ${vocabSize}`,
    );
  if (existsSync(out)) throw new CorpusError(`data tokenizer: ${out} exists; choose another file with --out`);
  loadPackage();
  return withRegularFiles(files, async copies => {
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-tokenizer-'));
    try {
      const text = join(folder, 'text');
      const textBytes = gather(
        files.map(file => copies.get(file) ?? file),
        text,
      );
      const {vocab, kept} = keep(learn(text, folder), vocabSize);
      const endOfText = {id: 0, content: END_OF_TEXT, special: true};
      const added = {...endOfText, single_word: false, lstrip: false, rstrip: false, normalized: false};
      const json = tokenizerJson(vocab, kept, [added]);
      mkdirSync(dirname(out), {recursive: true});
      writeFileAtomic(out, Buffer.from(`${JSON.stringify(json)}\n`));
      return {vocabSize, textBytes};
    } finally {
      rmSync(folder, {recursive: true, force: true});
    }
  });
}
