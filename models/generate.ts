// Tokens or text from a model, one at a time, with memory that does not grow.

import {parseSettings} from '../config/schema.js';
import {refuse} from '../custom-ops/check.js';
import {ArgumentError} from '../custom-ops/index.js';
import type {Tokenizer} from '../data/tokenizers/index.js';
import {TextStream} from '../data/tokenizers/index.js';
import {Breath} from './breath.js';
import {checkEnds, checkModel, checkOptions, checkTokenizer} from './check-arguments.js';
import type {ReadOptions} from './decoding-session.js';
import {DecodingSession} from './decoding-session.js';
import type {LanguageModel} from './language-model.js';
import type {PartialSamplingSettings} from './settings.generated.js';
import {StopStrings} from './stop-strings.js';
import {samplingSchema} from './token-sampling.js';
import type {WritableIds} from './writable-ids.js';
import {checkWritable, idsWithText} from './writable-ids.js';

/** What every way to write tokens may be told, beside the settings of sampling. */
export interface WritingOptions extends PartialSamplingSettings {
  /** Tokens to write at most. Default 256. */
  readonly maxTokens?: number;
  /** Stop before writing this token, or one of these. Default: the tokenizer's end of text where text is written, else none. */
  readonly stopToken?: number | readonly number[];
  /** Ids that are never written. Default none; where text is written, those that its tokenizer has no token for come on top. */
  readonly suppressTokens?: readonly number[];
  /** When aborted, no further token is read or written. */
  readonly signal?: AbortSignal;
}

/** Options of {@link generate}; those of sampling have their defaults in {@link samplingSchema}. */
export interface GenerateOptions extends WritingOptions, WritableIds {
  /** Token ids to read first; at least one, unless `session` has read some. Default none. */
  readonly prompt?: ArrayLike<number>;
  /** Go on with a session, which then stays open. Default: one of its own. */
  readonly session?: DecodingSession;
  /** Told how many tokens of the prompt are read. */
  readonly onProgress?: (done: number, of: number) => void;
}

/**
 * Reads a prompt in chunks, then yields one token id at a time at constant cost (but for full attention).
 *
 * Defaults: temperature 1, topK 0 (all), topP 1, seed 1. The same seed gives the same tokens.
 * Errors: SettingError for sampling out of range; ArgumentError for a token outside the vocabulary; LogitsError where the model's
 * logits are no numbers to choose by.
 */
export async function* generate(
  model: LanguageModel,
  options: GenerateOptions = {},
): AsyncGenerator<number, void, void> {
  const {
    prompt = [],
    maxTokens = 256,
    stopToken,
    ids,
    suppressTokens,
    session,
    signal,
    onProgress,
    ...given
  } = options;
  checkModel('generate', model);
  checkEnds('generate', {maxTokens, stopToken, signal});
  checkSession(model, session);
  const sampling = parseSettings('generate', samplingSchema, given);
  const stops = [stopToken ?? []].flat();
  if (typeof prompt === 'string') refuse('generate', 'prompt', 'token ids; generateText takes text', prompt);
  const which = {ids, suppressTokens};
  checkWritable('generate', which, model.vocabSize);
  checkPrompt('generate', prompt, session);
  const own = session ?? new DecodingSession(model);
  try {
    if (!(await readPrompt(own, prompt, {signal, onProgress}))) return;
    const breath = new Breath();
    for (let written = 0; written < maxTokens && signal?.aborted !== true; written++) {
      const token = await own.write(sampling, which);
      if (stops.includes(token)) return;
      yield token;
      await breath.take();
    }
  } finally {
    if (session === undefined) own.dispose();
  }
}

/** Errors: ArgumentError for what is no session, and for one of another model. */
function checkSession(model: LanguageModel, session: unknown): void {
  if (session === undefined) return;
  if (!(session instanceof DecodingSession)) refuse('generate', 'session', 'a DecodingSession', session);
  if (session.model.model !== model.model)
    throw new ArgumentError('generate', 'session', 'a session of this model', 'one of another');
}

/** Errors: ArgumentError where there is nothing to go on from. */
function checkPrompt(caller: string, prompt: ArrayLike<number>, session: DecodingSession | undefined): void {
  if (prompt.length > 0 || (session?.position ?? 0) > 0) return;
  throw new ArgumentError(
    caller,
    'prompt',
    'at least one token, since the first is written behind another: a line break begins a text too',
    'none',
  );
}

/** Whether the prompt was read to its end, not aborted on the way. */
async function readPrompt(
  session: DecodingSession,
  prompt: ArrayLike<number>,
  options: ReadOptions,
): Promise<boolean> {
  try {
    await session.read(prompt, options);
    return true;
  } catch (error) {
    if (options.signal?.aborted === true) return false;
    throw error;
  }
}

/**
 * Options of {@link generateText}: as of {@link generate}, with text for the prompt; `tokenizer` must be
 * given.
 */
export interface GenerateTextOptions extends WritingOptions {
  /** What makes tokens of text and text of tokens; its vocabulary bounds the ids that are written. */
  readonly tokenizer: Tokenizer;
  /** Text to go on from. Default ''. */
  readonly prompt?: string;
  /** Go on with a session, which then stays open. Default: one of its own. */
  readonly session?: DecodingSession;
  /** Told how many tokens of the prompt are read. */
  readonly onProgress?: (done: number, of: number) => void;
  /** Strings that end the text before them; a session has then read more than was written. Default none. */
  readonly stop?: readonly string[];
  /** Ids to read before the prompt where a text begins, such as those that `fromPretrained` gives. Default none. */
  readonly startTokens?: readonly number[];
}

/** As `generate`, in text: yields pieces of whole characters. Errors: also TokenizerError. */
export async function* generateText(
  model: LanguageModel,
  given: GenerateTextOptions,
): AsyncGenerator<string, void, void> {
  checkModel('generateText', model);
  checkOptions('generateText', given, '{tokenizer, prompt}');
  const {tokenizer, prompt = '', startTokens = [], stop = [], ...options} = given;
  checkTokenizer('generateText', tokenizer);
  if (typeof prompt !== 'string') refuse('generateText', 'prompt', 'text; generate takes token ids', prompt);
  const stream = new TextStream(tokenizer);
  const stops = new StopStrings('generateText', stop);
  const stopToken = options.stopToken ?? tokenizer.endOfText;
  const which = idsWithText(tokenizer, options.suppressTokens);
  const begins = (options.session?.position ?? 0) === 0;
  const read = [...(begins ? startTokens : []), ...tokenizer.encode(prompt)];
  checkPrompt('generateText', read, options.session);
  for await (const token of generate(model, {...options, prompt: read, stopToken, ...which})) {
    const text = stops.push(stream.push(token));
    if (text !== '') yield text;
    if (stops.isStopped) return;
  }
  const rest = stops.push(stream.end()) + stops.end();
  if (rest !== '') yield rest;
}
