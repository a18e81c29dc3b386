// The saved form of a decoding session: a safetensors file with the memory's tensors, what else goes on, and whose it is.

import {BmojoError} from '../errors/bmojo-error.js';
import {shown} from '../errors/shown.js';
import type {NamedTensorData} from '../formats/safetensors.js';
import {decodeSealed, encodeSealed} from '../formats/sealed-safetensors.js';
import {parseModelConfig} from './config.js';
import type {LanguageModel} from './language-model.js';
import type {ModelShapes, ModelState} from './state.js';
import {ModelStateError, stateArrays, stateFromArrays, withoutStore} from './state.js';
import {MOST_RECENT} from './token-sampling.js';

/** A saved decoding state that is damaged or belongs to another model. */
export class DecodingStateError extends BmojoError {
  override readonly name = 'DecodingStateError';
  readonly kind = 'damage';
}

const FORMAT = 'bmojo decoding state 1';

/** Where a text stands. */
export interface DecodingState {
  readonly state: ModelState;
  /** The last token, where the model has not seen it. */
  readonly pending: number | undefined;
  /** Tokens that were chosen. */
  readonly draws: number;
  /** The last tokens, `MOST_RECENT` of them at most. */
  readonly recent: readonly number[];
  /** Where the part of the memory is that a store outside holds; '' where there is none. */
  readonly place: string;
}

/** The model of a decoding state, and the name of its weights. */
export interface StateOwner {
  readonly model: LanguageModel;
  readonly weights: string;
}

/** The file of a decoding state. */
export async function encodeSession(
  {state, pending, draws, recent, place}: DecodingState,
  {model, weights}: StateOwner,
): Promise<Uint8Array> {
  return encodeSealed(await stateArrays(state), {
    format: FORMAT,
    model: model.identity,
    weights,
    position: String(state.position),
    pending: String(pending ?? ''),
    draws: String(draws),
    recent: recent.join(' '),
    ...(place === '' ? {} : {memory: place}),
  });
}

/**
 * The decoding state in a file; `outside`: whether a store outside holds part of the memory.
 * Errors: DecodingStateError for the state of another model or of other weights, or one whose memory is held otherwise;
 * SafetensorsError for a damaged file.
 */
export function decodeSession(
  bytes: Uint8Array,
  {model, weights, outside}: StateOwner & {readonly outside: boolean},
): DecodingState {
  const {tensors, metadata} = decodeSealed(bytes);
  const format = metadata.get('format');
  if (format !== FORMAT)
    throw new DecodingStateError(`decoding state: must be of format '${FORMAT}', got '${format}'`);
  if (!isOfModel(metadata.get('model'), model))
    throw new DecodingStateError('decoding state: belongs to a model of other settings');
  if (metadata.get('weights') !== weights)
    throw new DecodingStateError('decoding state: belongs to other weights of this model');
  const position = wholeIn(metadata, 'position');
  const pending = metadata.get('pending') === '' ? undefined : wholeIn(metadata, 'pending');
  const {vocabSize} = model;
  if (pending !== undefined && pending >= vocabSize)
    throw new DecodingStateError(`decoding state: pending must lie in [0, ${vocabSize}), got ${pending}`);
  const draws = wholeIn(metadata, 'draws');
  const place = metadata.get('memory') ?? '';
  if ((place !== '') !== outside)
    throw new DecodingStateError(
      outside
        ? 'decoding state: holds all of its memory itself; go on without a store of memory'
        : 'decoding state: part of its memory is in a store outside; go on with that store',
    );
  const recent = storedIds(metadata.get('recent') ?? '', vocabSize);
  const shapes = model.stateShapes(position);
  const state = stateIn(tensors, outside ? withoutStore(shapes) : shapes);
  return {state, pending, draws, recent, place};
}

function wholeIn(metadata: ReadonlyMap<string, string>, key: string): number {
  const value = Number(metadata.get(key));
  if (!Number.isSafeInteger(value) || value < 0)
    throw new DecodingStateError(`decoding state: ${key} must be a whole number, got ${metadata.get(key)}`);
  return value;
}

function stateIn(arrays: readonly NamedTensorData[], shapes: ModelShapes): ModelState {
  try {
    return stateFromArrays(shapes, arrays, 1);
  } catch (error) {
    if (!(error instanceof ModelStateError)) throw error;
    throw new DecodingStateError(`decoding state: ${error.message}`);
  }
}

/** Stored token ids; none in states of version 0.1.0. Errors: DecodingStateError. */
function storedIds(text: string, vocabSize: number): number[] {
  const ids = text === '' ? [] : text.split(' ').map(Number);
  if (ids.length > MOST_RECENT || !ids.every(id => Number.isInteger(id) && id >= 0 && id < vocabSize))
    throw new DecodingStateError(
      `decoding state: recent must be at most ${MOST_RECENT} ids in [0, ${vocabSize}), got ${shown(text)}`,
    );
  return ids;
}

/** Whether stored settings, which may lack those that came later, make the same model. */
function isOfModel(stored: string | undefined, {identity}: LanguageModel): boolean {
  if (stored === identity) return true;
  try {
    return JSON.stringify(parseModelConfig(JSON.parse(stored ?? ''))) === identity;
  } catch {
    return false;
  }
}
