// Text from a trained model: streamed, stopped, gone on with, kept and restored with its state.

import {SettingError} from '../../config/index.js';
import {TextStream} from '../../data/index.js';
import {memoryView} from '../../eval/index.js';
import type {ModelProgress, SamplingSettings} from '../../models/index.js';
import {DecodingSession, generate} from '../../models/index.js';
import type {Call, Handler} from '../protocol.js';
import type {Device, DeviceBackend} from './device.js';
import {device} from './device.js';
import {beforeClosing, opened} from './opened.js';

export interface WriteRequest {
  readonly model: string;
  readonly backend: DeviceBackend | 'auto';
  /** Text to read first; with `goOn` it is read behind what was written. */
  readonly prompt: string;
  readonly goOn: boolean;
  readonly maxTokens: number;
  readonly sampling: SamplingSettings;
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

export type WriteCall = Call<WriteRequest, WriteEvent, {readonly marks: readonly Mark[]}>;

/** Tokens that are marked at most: the view of a longer text takes the last of them. */
const MOST_MARKED = 4096;

interface Conversation {
  readonly model: string;
  readonly session: DecodingSession;
  readonly tokens: number[];
}

let conversation: Conversation | undefined;

function end(): void {
  conversation?.session.dispose();
  conversation = undefined;
}

async function begin(name: string, weights: string): Promise<Conversation> {
  const {model} = await opened(name);
  end();
  beforeClosing(end);
  return {model: name, session: new DecodingSession(model, {weights}), tokens: []};
}

export const write: Handler<'write'> = async (request, {tell, signal}) => {
  const {model: name, backend, prompt, goOn, maxTokens, sampling} = request;
  tell({type: 'device', device: await device({backend}, {tell: () => {}, signal})});
  const {model, tokenizer, card} = await opened(name, {
    onProgress: progress => tell({type: 'progress', progress}),
    signal,
  });
  if (tokenizer === undefined)
    throw new SettingError(`${name} reads numbers, not text: take a model that was trained on text`);
  const own =
    goOn && conversation?.model === name ? conversation : await begin(name, card?.weights.sha256 ?? '');
  conversation = own;
  const ids = [...tokenizer.encode(prompt)];
  if (ids.length === 0 && own.tokens.length === 0)
    throw new SettingError('write a few words first: the model goes on from them');
  own.tokens.push(...ids);
  const stream = new TextStream(tokenizer);
  const started = performance.now();
  let tokens = 0;
  const say = (text: string): void =>
    tell({
      type: 'text',
      text,
      tokens,
      tokensPerSecond: (1000 * tokens) / (performance.now() - started),
      stateBytes: own.session.stateBytes,
    });
  for await (const id of generate(model, {
    ...sampling,
    prompt: ids,
    maxTokens,
    session: own.session,
    signal,
  })) {
    own.tokens.push(id);
    tokens++;
    say(stream.push(id));
  }
  say(stream.end());
  return {marks: await marksOf(own.tokens, name)};
};

/** The text of the tokens, in stretches that are kept by as many layers. */
async function marksOf(all: readonly number[], name: string): Promise<Mark[]> {
  const {model, tokenizer} = await opened(name);
  if (tokenizer === undefined) return [];
  const tokens = all.slice(-MOST_MARKED);
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
    add(stream.push(id), counts[at]);
  });
  add(stream.end(), 0);
  return marks;
}

/** The conversation as a file; with `bytes` it is replaced by the one of such a file. */
export type StateCall = Call<
  {
    readonly model: string;
    readonly restore?: {readonly session: Uint8Array; readonly tokens: readonly number[]};
  },
  never,
  {readonly session: Uint8Array; readonly tokens: readonly number[]; readonly marks: readonly Mark[]}
>;

export const state: Handler<'state'> = async ({model: name, restore}, context) => {
  await device({backend: 'auto'}, {tell: () => {}, signal: context.signal});
  if (restore !== undefined) {
    const {card} = await opened(name);
    const own = await begin(name, card?.weights.sha256 ?? '');
    own.session.restore(restore.session);
    own.tokens.push(...restore.tokens);
    conversation = own;
  }
  if (conversation === undefined) throw new SettingError('there is no text yet: write something first');
  const {session, tokens} = conversation;
  return {session: await session.save(), tokens, marks: await marksOf(tokens, name)};
};
