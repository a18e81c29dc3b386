// What must hold of a tokenizer.json before any implementation sees it: they hang, or take memory without end, where it does not.

import {quoted} from '../quoted.js';
import {TokenizerError} from '../tokenizer.js';

export type Json = Readonly<Record<string, unknown>>;

export function isRecord(value: unknown): value is Json {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Ids that models can have. */
const MOST_IDS = 1 << 24;
/** Levels of parts inside parts; those in use have four. */
const DEEPEST = 64;

function refuse(what: string): never {
  throw new TokenizerError(`tokenizer.json: ${what}`);
}

/** The parts of a sequence of parts, or of a single one. */
export function flat(value: unknown, part: string, list: string): Json[] {
  if (value === null || value === undefined) return [];
  if (!isRecord(value)) refuse(`${part} must be an object, got ${quoted(value)}`);
  if (value.type !== 'Sequence') return [value];
  const inside = value[list];
  if (!Array.isArray(inside)) refuse(`${part}: a Sequence must hold a list of ${list}`);
  return inside.flatMap(one => flat(one, part, list));
}

/** A checked tokenizer.json. */
export interface TokenizerJson {
  readonly json: Json;
  /** The same without cutting and filling up to a length, as text. */
  readonly text: string;
  /** Ids by token, those added to the model included. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Tokens by id. */
  readonly tokens: ReadonlyMap<number, string>;
  /** One more than the largest id. */
  readonly vocabSize: number;
}

function checkId(token: string, id: unknown): number {
  if (typeof id === 'number' && Number.isInteger(id) && id >= 0 && id < MOST_IDS) return id;
  return refuse(`the id of ${quoted(token)} must be an integer from 0 to ${MOST_IDS - 1}, got ${quoted(id)}`);
}

/** Tokens and ids of a model: an object of ids, or sentencepiece's list of tokens and scores. */
function* modelEntries(model: Json): Generator<[string, number]> {
  const {vocab} = model;
  if (Array.isArray(vocab)) {
    for (const [id, entry] of vocab.entries()) {
      if (!Array.isArray(entry) || typeof entry[0] !== 'string' || !Number.isFinite(entry[1]))
        refuse(`entry ${id} of the vocabulary must be a token and its score, got ${quoted(entry)}`);
      yield [entry[0], id];
    }
  } else if (isRecord(vocab)) {
    for (const [token, id] of Object.entries(vocab)) yield [token, checkId(token, id)];
  } else refuse('the model cannot be used: it must have a vocab');
}

/** Names of added tokens stand once. */
function* addedEntries(added: unknown): Generator<[string, number]> {
  if (added === undefined || added === null) return;
  if (!Array.isArray(added)) refuse(`added_tokens must be a list, got ${quoted(added)}`);
  const seen = new Set<string>();
  for (const [i, token] of added.entries()) {
    if (!isRecord(token) || typeof token.content !== 'string' || token.content === '')
      refuse(`entry ${i} of added_tokens must have a content, got ${quoted(token)}`);
    const {content} = token;
    if (seen.has(content)) refuse(`added token ${quoted(content)} stands twice`);
    seen.add(content);
    yield [content, checkId(content, token.id)];
  }
}

/** The reference implementation ends the whole process where the second part of a merge lacks the prefix that it takes off. */
function checkMerges({merges, continuing_subword_prefix: prefix}: Json): void {
  if (typeof prefix !== 'string' || prefix === '' || !Array.isArray(merges)) return;
  for (const [i, merge] of merges.entries()) {
    const second = Array.isArray(merge)
      ? merge[1]
      : typeof merge === 'string'
        ? merge.split(' ')[1]
        : undefined;
    if (typeof second !== 'string' || !second.startsWith(prefix))
      refuse(
        `merge ${i} must continue with ${quoted(prefix)}, the continuing_subword_prefix, got ${quoted(merge)}`,
      );
  }
}

/** Without calls inside calls, which a deep value exhausts. */
function checkDepth(json: Json): void {
  let level: unknown[] = [json];
  for (let depth = 0; level.length > 0; depth++) {
    if (depth > DEEPEST) refuse(`holds more than ${DEEPEST} levels inside each other`);
    level = level.flatMap(value =>
      typeof value === 'object' && value !== null
        ? Object.values(value).filter(inside => typeof inside === 'object' && inside !== null)
        : [],
    );
  }
}

/** Errors: TokenizerError when the value is no tokenizer.json, or one that cannot be used in bounded time and memory. */
export function checkTokenizerJson(value: unknown): TokenizerJson {
  if (!isRecord(value) || !isRecord(value.model))
    refuse("must be an object with a 'model', as Hugging Face writes it");
  checkDepth(value);
  const {dropout} = value.model;
  if (typeof dropout === 'number' && dropout > 0)
    refuse(`model dropout ${dropout} gives other tokens each time; set it to null`);
  // The reference implementation ends the whole process where a token is shorter.
  const cuts = flat(value.decoder, 'decoder', 'decoders').some(
    ({type, stop}) => type === 'Strip' && stop !== 0,
  );
  if (cuts) refuse('decoder Strip must have a stop of 0');
  checkMerges(value.model);
  const vocabulary = new Map<string, number>();
  const owner = new Map<number, string>();
  for (const [token, id] of modelEntries(value.model)) {
    vocabulary.set(token, id);
    if (owner.has(id)) refuse(`id ${id} stands twice: for ${quoted(owner.get(id))} and ${quoted(token)}`);
    owner.set(id, token);
  }
  for (const [token, id] of addedEntries(value.added_tokens)) {
    vocabulary.set(token, id);
    owner.set(id, token);
  }
  if (vocabulary.size === 0) refuse('the vocabulary must hold at least one token');
  const vocabSize = [...vocabulary.values()].reduce((most, id) => Math.max(most, id), 0) + 1;
  const text = JSON.stringify({...value, truncation: null, padding: null});
  return {json: value, text, vocabulary, tokens: owner, vocabSize};
}
