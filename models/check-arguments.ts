// What plain JavaScript may pass in the place of a model, a tokenizer or options, refused by name.

import {refuse} from '../custom-ops/check.js';
import {ArgumentError} from '../custom-ops/index.js';
import {shown} from '../errors/shown.js';
import {LanguageModel} from './language-model.js';

/** Errors: ArgumentError. */
export function checkModel(caller: string, model: unknown): asserts model is LanguageModel {
  if (model instanceof LanguageModel) return;
  throw new ArgumentError(caller, 'model', 'a LanguageModel', cameForModel(model));
}

/** What is often given instead, and what to do with it. */
function cameForModel(given: unknown): string {
  if (given instanceof Promise) return 'a promise: await it';
  if (typeof given !== 'object' || given === null) return shown(given);
  if ('layers' in given) return 'a LayersModel: give new LanguageModel(model)';
  if ('model' in given) return 'an object with a model, such as openModel gives: give its model';
  return 'another object';
}

/** Errors: ArgumentError. */
export function checkTokenizer(caller: string, tokenizer: unknown): void {
  const isOne = typeof tokenizer === 'object' && tokenizer !== null && 'encode' in tokenizer;
  if (!isOne) refuse(caller, 'tokenizer', 'a tokenizer, such as byteTokenizer() of bmojo/data', tokenizer);
}

/** `such` shows what they look like. Errors: ArgumentError. */
export function checkOptions(caller: string, options: unknown, such: string): void {
  if (typeof options !== 'object' || options === null)
    refuse(caller, 'options', `an object such as ${such}`, options);
}

/** How a text ends. Errors: ArgumentError. */
export function checkEnds(
  caller: string,
  {maxTokens, stopToken, signal}: {maxTokens: unknown; stopToken: unknown; signal: unknown},
): void {
  const isCount = typeof maxTokens === 'number' && maxTokens >= 0 && !(maxTokens % 1 > 0);
  if (!isCount) refuse(caller, 'maxTokens', 'a whole number from 0, or Infinity', maxTokens);
  const bad = [stopToken ?? []].flat().find(id => !Number.isInteger(id));
  if (bad !== undefined) refuse(caller, 'stopToken', 'a token id or a list of them', bad);
  // Those of another frame are of another class.
  const isSignal = typeof signal === 'object' && signal !== null && 'throwIfAborted' in signal;
  if (signal !== undefined && !isSignal) refuse(caller, 'signal', 'the signal of an AbortController', signal);
}
