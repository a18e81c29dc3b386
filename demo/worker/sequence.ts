// The sequence that is looked at: a sample of recall by its seed, or a text.

import {SettingError} from '../../config/index.js';
import {createMqar, type Query, type Tokenizer} from '../../data/index.js';
import type {LanguageModel} from '../../models/index.js';

export type SequenceSource =
  | {readonly kind: 'recall'; readonly seed: number; readonly length: number; readonly pairs: number}
  | {readonly kind: 'text'; readonly text: string};

export interface Sequence {
  readonly tokens: Int32Array;
  /** What each token says, in words for people. */
  readonly pieces: readonly string[];
  /** Wanted tokens [L], of recall. */
  readonly labels?: Int32Array;
  /** Where something is asked, of recall. */
  readonly queries: readonly Query[];
}

/** What an id of recall says: filler, a key or a value. */
export function recallPiece(id: number, vocabSize: number): string {
  if (id === 0) return '·';
  return id < Math.floor(vocabSize / 2) ? `k${id}` : `v${id}`;
}

/** What an id says to a model; one that no token of the tokenizer has, as in a padded vocabulary, is shown as the number that it is. */
export function pieceOf(
  id: number,
  source: SequenceSource,
  vocabSize: number,
  tokenizer?: Tokenizer,
): string {
  if (source.kind === 'text' && tokenizer !== undefined)
    return id < tokenizer.vocabSize && tokenizer.unusedIds?.includes(id) !== true
      ? tokenizer.decode([id])
      : `#${id}`;
  return recallPiece(id, vocabSize);
}

/** `startTokens` are read before a text. Errors: SettingError for a text that the model cannot read, no text, or settings of recall that do not fit. */
export function sequenceOf(
  source: SequenceSource,
  {config: {vocabSize}}: LanguageModel,
  tokenizer?: Tokenizer,
  startTokens: readonly number[] = [],
): Sequence {
  if (source.kind === 'recall') {
    const {seed, length, pairs} = source;
    const task = createMqar({vocabSize, length, pairs, filler: 'zero'});
    const {inputs, labels, queries} = task.sample({seed, split: 'test', index: 0});
    return {
      tokens: inputs,
      pieces: Array.from(inputs, id => recallPiece(id, vocabSize)),
      labels,
      queries,
    };
  }
  if (tokenizer === undefined)
    throw new SettingError(
      'this model reads numbers, not text: look at recall of pairs, or take another model',
    );
  const text = tokenizer.encode(source.text);
  const tokens = Int32Array.from([...startTokens, ...text]);
  if (text.length === 0) throw new SettingError('write a few words first: there is nothing to look at');
  return {tokens, pieces: Array.from(tokens, id => tokenizer.decode([id])), queries: []};
}
