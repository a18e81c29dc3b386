// Text from a trained model: streamed, stopped, gone on with, kept and restored with its state.

import {SettingError} from '../../config/index.js';
import {TextStream} from '../../data/index.js';
import {memoryView} from '../../eval/index.js';
import type {ModelProgress, SamplingSettings} from '../../models/index.js';
import {DecodingSession, generate, memoryFormat} from '../../models/index.js';
import type {Call, Handler} from '../protocol.js';
import type {ChosenModel} from '../storage/chosen-model.js';
import {memoryOf} from '../storage/memory-store.js';
import type {Device, DeviceBackend} from './device.js';
import {device} from './device.js';
import {beforeClosing, opened} from './opened.js';
import type {LayerShares} from './shares.js';
import {layerShares} from './shares.js';

export interface WriteRequest extends ChosenModel {
  readonly backend: DeviceBackend | 'auto';
  /** Text to read first; with `goOn` it is read behind what was written. */
  readonly prompt: string;
  readonly goOn: boolean;
  readonly maxTokens: number;
  readonly sampling: SamplingSettings;
  /** The conversation whose long-term memory is read and added to; none: nothing is remembered. */
  readonly conversation?: string;
}

export type WriteEvent =
  | {readonly type: 'device'; readonly device: Device}
  | {readonly type: 'progress'; readonly progress: ModelProgress}
  | {
      readonly type: 'text';
      readonly text: string;
      readonly tokens: number;
      readonly tokensPerSecond: number;
      readonly stateBytes: number;
    };

/** A stretch of the text, and how many layers keep its token word for word at the end. */
export interface Mark {
  readonly text: string;
  readonly layers: number;
}

/** What the memories did with a text. */
export interface SeenText {
  readonly marks: readonly Mark[];
  readonly shares: LayerShares;
}

/** `isEnded`: the model has said that its text ends here. */
export type WriteCall = Call<WriteRequest, WriteEvent, SeenText & {readonly isEnded: boolean}>;

/** Tokens that are marked at most: the view of a longer text takes the last of them. */
const MOST_MARKED = 4096;

/** Milliseconds between what the page is told: each telling has it draw the whole text. */
const TELL_EVERY = 50;

interface Conversation {
  readonly chosen: ChosenModel;
  readonly session: DecodingSession;
  readonly tokens: number[];
  /** Those at the end of `tokens` that the session has not read: who stopped it while it read them is shown them. */
  unread: readonly number[];
  /** Name of its long-term memory, if any. */
  readonly stream?: string;
}

let conversation: Conversation | undefined;

/** One by one: as arguments of a call the tokens of a long text are more than a stack holds. */
function append(tokens: number[], more: Iterable<number>): void {
  for (const token of more) tokens.push(token);
}

/** Lets go of the text under way; what is remembered of it stays. */
export function endConversation(): void {
  conversation?.session.dispose();
  conversation = undefined;
}

const isOf = ({chosen}: Conversation, {model, dtype}: ChosenModel): boolean =>
  chosen.model === model && chosen.dtype === dtype;

async function begin(chosen: ChosenModel, stream: string | undefined): Promise<Conversation> {
  const {model, weights} = await opened(chosen);
  const memory =
    stream === undefined
      ? undefined
      : {store: await memoryOf(chosen, memoryFormat(model, {weights, precision: 'f16'})), stream};
  endConversation();
  beforeClosing(endConversation);
  return {
    chosen,
    session: new DecodingSession(model, {weights, memory}),
    tokens: [],
    unread: [],
    stream,
  };
}

export const write: Handler<'write'> = async (request, {tell, signal}) => {
  const {model: name, dtype, backend, prompt, goOn, maxTokens, sampling, conversation: stream} = request;
  const chosen = {model: name, dtype};
  tell({type: 'device', device: await device({backend}, {tell: () => {}, signal})});
  const {model, tokenizer, card} = await opened(chosen, {
    onProgress: progress => tell({type: 'progress', progress}),
    signal,
  });
  if (tokenizer === undefined)
    throw new SettingError(`${name} reads numbers, not text: take a model that was trained on text`);
  const isSame = conversation !== undefined && isOf(conversation, chosen) && conversation.stream === stream;
  const own = goOn && isSame && conversation !== undefined ? conversation : await begin(chosen, stream);
  conversation = own;
  const {stopTokens: stopToken = tokenizer.endOfText, startTokens = []} = card?.generation ?? {};
  const given = [...(own.tokens.length === 0 ? startTokens : []), ...tokenizer.encode(prompt)];
  if (given.length === 0 && own.tokens.length === 0)
    throw new SettingError('write a few words first: the model goes on from them');
  append(own.tokens, given);
  const ids = [...own.unread, ...given];
  const before = own.session.position;
  const text = new TextStream(tokenizer);
  const started = performance.now();
  let tokens = 0;
  let untold = '';
  let toldAt = started;
  const say = (piece: string, at = performance.now()): void => {
    untold += piece;
    if (at - toldAt < TELL_EVERY) return;
    toldAt = at;
    tell({
      type: 'text',
      text: untold,
      tokens,
      tokensPerSecond: (1000 * tokens) / (performance.now() - started),
      stateBytes: own.session.stateBytes,
    });
    untold = '';
  };
  try {
    for await (const id of generate(model, {
      ...sampling,
      prompt: ids,
      maxTokens,
      stopToken,
      ids: tokenizer.vocabSize,
      suppressTokens: tokenizer.unusedIds,
      session: own.session,
      signal,
    })) {
      own.tokens.push(id);
      tokens++;
      say(text.push(id));
    }
  } finally {
    own.unread = ids.slice(own.session.position - before);
    say(text.end(), Infinity);
  }
  // From here on later conversations remember it, also where the page is closed now.
  await own.session.settle();
  const isEnded = tokens < maxTokens && !signal.aborted;
  return {...(await seenOf(own.tokens, chosen)), isEnded};
};

/** The text of the tokens, in stretches that are kept by as many layers, and how its attention divides. */
async function seenOf(all: readonly number[], chosen: ChosenModel): Promise<SeenText> {
  const {model, tokenizer, card} = await opened(chosen);
  if (tokenizer === undefined) return {marks: [], shares: []};
  const tokens = all.slice(-MOST_MARKED);
  // What the model expects before a text is no part of it.
  const {startTokens = []} = card?.generation ?? {};
  const isBegun = startTokens.every((id, at) => all[at] === id);
  const before = Math.max(0, (isBegun ? startTokens.length : 0) - (all.length - tokens.length));
  const {layers} = await memoryView(model, tokens);
  const counts = new Array<number>(tokens.length).fill(0);
  for (const {stored = []} of layers)
    for (const {position, until} of stored) if (until >= tokens.length) counts[position]++;
  const stream = new TextStream(tokenizer);
  const marks: Mark[] = [];
  const add = (text: string, layers: number): void => {
    const last = marks.at(-1);
    if (text === '') return;
    if (last?.layers === layers) marks[marks.length - 1] = {text: last.text + text, layers};
    else marks.push({text, layers});
  };
  tokens.forEach((id, at) => {
    if (at >= before) add(stream.push(id), counts[at]);
  });
  add(stream.end(), 0);
  return {marks, shares: layerShares(layers)};
}

/** The conversation as a file; with `bytes` it is replaced by the one of such a file. */
export type StateCall = Call<
  ChosenModel & {readonly restore?: Omit<SavedConversation, keyof SeenText>},
  never,
  SavedConversation
>;

export interface SavedConversation extends SeenText {
  readonly session: Uint8Array;
  readonly tokens: readonly number[];
  /** Name of its long-term memory, which stays in this browser. */
  readonly conversation?: string;
}

export const state: Handler<'state'> = async ({model, dtype, restore}, context) => {
  const chosen = {model, dtype};
  await device({backend: 'auto'}, {tell: () => {}, signal: context.signal});
  if (restore !== undefined) {
    const own = await begin(chosen, restore.conversation);
    own.session.restore(restore.session);
    append(own.tokens, restore.tokens);
    conversation = own;
  }
  if (conversation === undefined) throw new SettingError('there is no text yet: write something first');
  const {session, tokens, unread, stream} = conversation;
  if (unread.length > 0)
    throw new SettingError(
      'it was stopped while it read: go on first, so that its memory holds all of the text',
    );
  return {
    session: await session.save(),
    tokens,
    ...(await seenOf(tokens, chosen)),
    ...(stream === undefined ? {} : {conversation: stream}),
  };
};
