// The thread beside reference.ts: it waits for the promises of the package tokenizers.

import {createRequire} from 'node:module';
import {workerData} from 'node:worker_threads';
import type {Tokenizer} from 'tokenizers';
import type {MayCut} from '../cuts.js';
import {cutsNowhere} from '../cuts.js';
import type {Answer, Question, ThreadData} from './reference.js';
import {WordCache} from './word-cache.js';
import {wordCuts} from './word-cuts.js';

const {Tokenizer: Reference} = createRequire(import.meta.url)('tokenizers') as typeof import('tokenizers');
const {port, answers}: ThreadData = workerData;

const BARE = {addSpecialTokens: false};
/** The last character for private use: a token between words that are encoded together. */
const SEPARATOR = '\u{10fffd}';
/** Code units encoded together. */
const TOGETHER = 1 << 16;
/** Code units after which remembering words is worth a second tokenizer. */
const OFTEN = 1 << 14;

async function idsOf(tokenizer: Tokenizer, text: string): Promise<Int32Array> {
  return Int32Array.from((await tokenizer.encode(text, null, BARE)).getIds());
}

/** Encodes texts in few calls, with a token of our own between them. */
async function encodeMany(
  tokenizer: Tokenizer,
  texts: readonly string[],
  separator: number,
): Promise<Int32Array[]> {
  const all: Int32Array[] = [];
  for (let first = 0; first < texts.length; ) {
    let [end, length] = [first, 0];
    while (end < texts.length && length < TOGETHER) length += texts[end++].length + SEPARATOR.length;
    const ids = await idsOf(tokenizer, texts.slice(first, end).join(SEPARATOR));
    for (let at = 0, i = first; i < end; i++) {
      const border = ids.indexOf(separator, at);
      all.push(ids.slice(at, border < 0 ? ids.length : border));
      at = border < 0 ? ids.length : border + 1;
    }
    first = end;
  }
  return all;
}

class Opened {
  private readonly tokenizer: Tokenizer;
  private readonly mayCut: MayCut;
  private cache: WordCache | undefined;
  private encoded = 0;

  constructor(private readonly json: string) {
    this.tokenizer = Reference.fromString(json);
    this.mayCut = wordCuts(JSON.parse(json));
  }

  async encode(text: string): Promise<Int32Array> {
    this.encoded += text.length;
    if (this.encoded < OFTEN || this.mayCut === cutsNowhere || text.includes(SEPARATOR))
      return idsOf(this.tokenizer, text);
    this.cache ??= this.newCache();
    return this.cache.encode(text);
  }

  decode(ids: readonly number[]): Promise<string> {
    return this.tokenizer.decode([...ids], false);
  }

  private newCache(): WordCache {
    const own = Reference.fromString(this.json);
    own.addSpecialTokens([SEPARATOR]);
    const separator = own.tokenToId(SEPARATOR) ?? -1;
    return new WordCache(this.mayCut, {
      first: text => idsOf(this.tokenizer, text),
      others: texts => encodeMany(own, texts, separator),
    });
  }
}

const opened = new Map<number, Opened>();

function tokenizerOf({handle}: Question): Opened {
  const found = opened.get(handle);
  if (found === undefined) throw new Error(`no tokenizer ${handle} is open`);
  return found;
}

async function answerOf(question: Question): Promise<Answer> {
  switch (question.what) {
    case 'open':
      opened.set(question.handle, new Opened(question.json));
      return {done: true};
    case 'encode':
      return {ids: await tokenizerOf(question).encode(question.text)};
    case 'decode':
      return {text: await tokenizerOf(question).decode(question.ids)};
    case 'close':
      opened.delete(question.handle);
      return {done: true};
  }
}

async function answer(question: Question): Promise<void> {
  let found: Answer;
  try {
    found = await answerOf(question);
  } catch (error) {
    found = {refused: error instanceof Error ? error.message : String(error)};
  }
  port.postMessage(found, 'ids' in found ? [found.ids.buffer as ArrayBuffer] : []);
  Atomics.add(answers, 0, 1);
  Atomics.notify(answers, 0);
}

port.on('message', question => void answer(question));
