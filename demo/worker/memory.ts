// What a model remembers of conversations in this browser: listed and forgotten.

import {mixersOf} from '../../models/layer-plan.js';
import type {Call, Handler} from '../protocol.js';
import type {ChosenModel} from '../storage/chosen-model.js';
import {deleteMemory, hasMemory, memoryOf} from '../storage/memory-store.js';
import {cardOf} from '../storage/model-store.js';
import {endConversation} from './write.js';

/** A conversation that is remembered. */
export interface Remembered {
  readonly conversation: string;
  /** Tokens that can be retrieved. */
  readonly tokens: number;
}

export interface MemoryAnswer {
  /** Whether the model retrieves anything from storage. */
  readonly canRemember: boolean;
  readonly conversations: readonly Remembered[];
}

/** Forgets one conversation, or all of them, if asked to, then lists what is remembered. */
export type MemoryCall = Call<
  ChosenModel & {readonly forget?: {readonly conversation: string} | 'all'},
  never,
  MemoryAnswer
>;

export const memory: Handler<'memory'> = async ({model, dtype, forget}) => {
  const card = await cardOf(model);
  const canRemember = card !== undefined && mixersOf(card.model.config).some(({storage}) => storage > 0);
  const chosen = {model, dtype};
  if (!(await hasMemory(chosen))) return {canRemember, conversations: []};
  if (forget !== undefined) endConversation();
  if (forget === 'all') {
    await deleteMemory(chosen);
    return {canRemember, conversations: []};
  }
  const store = await memoryOf(chosen);
  if (forget !== undefined) await store.forget({streams: [forget.conversation]});
  const {parts} = await store.stats();
  const tokens = new Map<string, number>();
  for (const {stream, rows} of parts) tokens.set(stream, Math.max(rows, tokens.get(stream) ?? 0));
  return {
    canRemember,
    conversations: [...tokens].map(([conversation, count]) => ({conversation, tokens: count})),
  };
};
