// Several texts at once. All rows begin at position 0 and stay side by side: a row whose prompt is short writes while others
// still read, so that nothing is padded and every row's memory is what it is alone.

import {tensor2d, tidy} from '@tensorflow/tfjs-core';
import {parseSettings} from '../config/schema.js';
import {refuse} from '../custom-ops/check.js';
import type {Tokenizer} from '../data/tokenizers/index.js';
import {TextStream} from '../data/tokenizers/index.js';
import {Breath} from './breath.js';
import {checkEnds, checkModel, checkOptions, checkTokenizer} from './check-arguments.js';
import type {WritingOptions} from './generate.js';
import type {LanguageModel} from './language-model.js';
import type {ModelState} from './state.js';
import {disposeModelState} from './state.js';
import {StopStrings} from './stop-strings.js';
import type {SamplingSettings} from './token-sampling.js';
import {sampleToken, samplingSchema, withPenalty} from './token-sampling.js';
import {TokenStep} from './token-step.js';
import type {WritableIds} from './writable-ids.js';
import {checkWritable, idsWithText, writableLogits} from './writable-ids.js';

/** Options of {@link generateBatch}: those of `generate` without a session, and `prompts` in the place of `prompt`. */
export interface GenerateBatchOptions extends WritingOptions, WritableIds {
  /** Token ids to read, at least one for each text. */
  readonly prompts: readonly ArrayLike<number>[];
  /** Asked after each token of a text whether the text is to end with it. Default never. */
  readonly isEnough?: (row: number) => boolean;
  /** Tokens of a chunk of the prompts. Default 512. */
  readonly chunk?: number;
}

/** A token that {@link generateBatch} wrote, with the number of its prompt. */
export interface BatchToken {
  /** Number of the prompt. */
  readonly row: number;
  readonly token: number;
}

/** One text of several that are written. */
interface Row {
  readonly number: number;
  /** Read and written. */
  readonly tokens: number[];
  readonly read: number;
  isDone: boolean;
}

/**
 * Goes on from several prompts at once and yields their tokens as they come, row by row within each step.
 *
 * Row r writes what `generate` writes for its prompt alone with seed + r, up to the order of sums. Texts that are done cost as
 * much as the others until all are: give texts of like length. Errors: as `generate`.
 */
export async function* generateBatch(
  model: LanguageModel,
  options: GenerateBatchOptions,
): AsyncGenerator<BatchToken, void, void> {
  checkModel('generateBatch', model);
  checkOptions('generateBatch', options, '{prompts}');
  const {prompts, maxTokens = 256, stopToken, signal, isEnough, chunk = 512, ...rest} = options;
  const {ids, suppressTokens, ...given} = rest;
  checkEnds('generateBatch', {maxTokens, stopToken, signal});
  const sampling = parseSettings('generateBatch', samplingSchema, given);
  const which = {ids, suppressTokens};
  checkWritable('generateBatch', which, model.vocabSize);
  const stops = [stopToken ?? []].flat();
  const rows = checkedRows(model, prompts);
  const settings = rows.map(({number}): SamplingSettings => ({...sampling, seed: rowSeed(sampling, number)}));
  const memory = new BatchMemory(model, rows.length);
  const breath = new Breath();
  try {
    const shortest = Math.min(...rows.map(({read}) => read));
    for (let at = 0; at < shortest - 1; at += chunk) {
      if (signal?.aborted === true) return;
      memory.read(rows.map(({tokens}) => tokens.slice(at, Math.min(shortest - 1, at + chunk))));
      await breath.take();
    }
    for (let at = shortest - 1; rows.some(row => !row.isDone); at++) {
      if (signal?.aborted === true) return;
      // A row that is done is fed something, and never looked at again.
      const logits = await memory.step(Int32Array.from(rows, ({tokens}) => tokens[at] ?? 0));
      for (const row of rows) {
        if (row.isDone || at + 1 < row.read) continue;
        const {number, tokens, read} = row;
        const written = tokens.length - read;
        const possible = withPenalty(writableLogits(logits[number], which), tokens, settings[number]);
        const token = written < maxTokens ? sampleToken(possible, settings[number], written) : undefined;
        row.isDone = token === undefined || stops.includes(token);
        if (token === undefined || row.isDone) continue;
        tokens.push(token);
        yield {row: number, token};
        row.isDone = written + 1 >= maxTokens || isEnough?.(number) === true;
      }
      await breath.take();
    }
  } finally {
    memory.dispose();
  }
}

/** Errors: ArgumentError. */
function checkedRows({vocabSize}: LanguageModel, prompts: readonly ArrayLike<number>[]): Row[] {
  const lists = Array.isArray(prompts) ? prompts : refuse('generateBatch', 'prompts', 'a list', prompts);
  if (lists.length === 0) refuse('generateBatch', 'prompts', 'at least one prompt', lists);
  return lists.map((prompt: ArrayLike<number>, number): Row => {
    if (typeof prompt === 'string')
      refuse('generateBatch', `prompts[${number}]`, 'token ids; generateTexts takes text', prompt);
    const tokens = Array.from(prompt);
    if (tokens.length === 0) refuse('generateBatch', `prompts[${number}]`, 'at least one token', tokens);
    const bad = tokens.find(id => !Number.isInteger(id) || id < 0 || id >= vocabSize);
    if (bad !== undefined) refuse('generateBatch', `prompts[${number}]`, `ids in [0, ${vocabSize})`, bad);
    return {number, tokens, read: tokens.length, isDone: false};
  });
}

/** Seeds of neighbouring rows differ; beyond the largest they begin again. */
function rowSeed({seed}: SamplingSettings, row: number): number {
  return (seed + row) % (samplingSchema.seed.max + 1);
}

/** The memory of several sequences that stand at the same position. */
class BatchMemory {
  private state: ModelState;
  private readonly tokenStep: TokenStep;

  constructor(
    private readonly model: LanguageModel,
    batch: number,
  ) {
    this.state = model.initialState(batch);
    this.tokenStep = new TokenStep(model, true);
  }

  /** Reads the next tokens of each sequence, equally many. */
  read(tokens: readonly (readonly number[])[]): void {
    this.replace(
      tidy(() => {
        const ids = tensor2d(tokens.flat(), [tokens.length, tokens[0].length], 'int32');
        return this.model.advance(ids, this.state).state;
      }),
    );
  }

  /** Reads one more token of each sequence: the logits [V] after it, by row. */
  async step(tokens: Int32Array): Promise<Float32Array[]> {
    const {logits, state} = await this.tokenStep.run(tokens, this.state);
    this.replace(state);
    const values = await logits.data<'float32'>();
    const [, width] = logits.shape;
    logits.dispose();
    return Array.from(tokens, (_, row) => values.subarray(row * width, (row + 1) * width));
  }

  dispose(): void {
    this.tokenStep.dispose();
    disposeModelState(this.state);
  }

  private replace(next: ModelState): void {
    disposeModelState(this.state);
    this.state = next;
  }
}

/** Options of {@link generateTexts}: `tokenizer` and `prompts` must be given. */
export interface GenerateTextsOptions extends WritingOptions {
  /** What makes tokens of text and text of tokens; its vocabulary bounds the ids that are written. */
  readonly tokenizer: Tokenizer;
  /** Texts to go on from. */
  readonly prompts: readonly string[];
  /** Ids to read before each prompt, such as those that `fromPretrained` gives. Default none. */
  readonly startTokens?: readonly number[];
  /** Strings that end a text before them. Default none. */
  readonly stop?: readonly string[];
  /** Tokens of a chunk of the prompts. Default 512. */
  readonly chunk?: number;
}

/** A piece of one of the texts that {@link generateTexts} writes, with the number of its prompt. */
export interface BatchText {
  /** Number of the prompt. */
  readonly row: number;
  /** Whole characters. */
  readonly text: string;
}

/** As `generateBatch`, in text: yields pieces of whole characters. Errors: also TokenizerError. */
export async function* generateTexts(
  model: LanguageModel,
  given: GenerateTextsOptions,
): AsyncGenerator<BatchText, void, void> {
  checkModel('generateTexts', model);
  checkOptions('generateTexts', given, '{tokenizer, prompts}');
  const {tokenizer, prompts, startTokens = [], stop = [], ...options} = given;
  checkTokenizer('generateTexts', tokenizer);
  if (!Array.isArray(prompts) || prompts.some(prompt => typeof prompt !== 'string'))
    refuse('generateTexts', 'prompts', 'a list of texts; generateBatch takes token ids', prompts);
  const texts = prompts.map(() => ({
    stream: new TextStream(tokenizer),
    stops: new StopStrings('generateTexts', stop),
  }));
  const batch = generateBatch(model, {
    ...options,
    prompts: prompts.map(prompt => [...startTokens, ...tokenizer.encode(prompt)]),
    stopToken: options.stopToken ?? tokenizer.endOfText,
    ...idsWithText(tokenizer, options.suppressTokens),
    isEnough: row => texts[row].stops.isStopped,
  });
  for await (const {row, token} of batch) {
    const {stream, stops} = texts[row];
    const text = stops.push(stream.push(token));
    if (text !== '') yield {row, text};
  }
  for (const [row, {stream, stops}] of texts.entries()) {
    const text = stops.push(stream.end()) + stops.end();
    if (text !== '') yield {row, text};
  }
}
