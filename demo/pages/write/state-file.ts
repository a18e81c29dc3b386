// A conversation as a file: which model, its tokens, and the state of its memory.

import {SettingError} from '../../../config/schema.js';
import type {WeightDType} from '../../../formats/weight-dtype.js';
import {weightDTypes} from '../../../formats/weight-dtype.js';

export interface StateFile {
  readonly model: string;
  /** How its matrices were held: rounded weights are others. */
  readonly dtype: WeightDType;
  readonly tokens: readonly number[];
  /** The library's own state file. */
  readonly session: Uint8Array;
  /** Name of its long-term memory, which stays in the browser. */
  readonly conversation?: string;
}

const FORMAT = 'bmojo conversation 1';

export function packState({session, ...rest}: StateFile): Blob {
  const bytes = Array.from(session, byte => String.fromCharCode(byte)).join('');
  return new Blob([JSON.stringify({format: FORMAT, ...rest, session: btoa(bytes)})], {
    type: 'application/json',
  });
}

/** Errors: SettingError for a file of another kind. */
export function unpackState(text: string): StateFile {
  try {
    const {format, model, dtype = 'float32', tokens, session, conversation} = JSON.parse(text);
    const isWhole = typeof model === 'string' && Array.isArray(tokens) && tokens.every(Number.isInteger);
    const held = weightDTypes.find(one => one === dtype);
    if (format === FORMAT && isWhole && held !== undefined)
      return {
        model,
        dtype: held,
        tokens,
        session: Uint8Array.from(atob(session), one => one.charCodeAt(0)),
        ...(typeof conversation === 'string' ? {conversation} : {}),
      };
  } catch {
    // No JSON, or no bytes in it: said below.
  }
  throw new SettingError('this is no state that was saved here: choose a file that "Save the state" wrote');
}
