// A conversation as a file: which model, its tokens, and the state of its memory.

import {SettingError} from '../../../config/schema.js';

export interface StateFile {
  readonly model: string;
  readonly tokens: readonly number[];
  /** The library's own state file. */
  readonly session: Uint8Array;
}

const FORMAT = 'bmojo conversation 1';

export function packState({model, tokens, session}: StateFile): Blob {
  const bytes = Array.from(session, byte => String.fromCharCode(byte)).join('');
  return new Blob([JSON.stringify({format: FORMAT, model, tokens, session: btoa(bytes)})], {
    type: 'application/json',
  });
}

/** Errors: SettingError for a file of another kind. */
export function unpackState(text: string): StateFile {
  try {
    const {format, model, tokens, session} = JSON.parse(text);
    if (format !== FORMAT || typeof model !== 'string' || !Array.isArray(tokens))
      throw new Error('another form');
    return {
      model,
      tokens: tokens.map(Number),
      session: Uint8Array.from(atob(session), one => one.charCodeAt(0)),
    };
  } catch (error) {
    throw new SettingError(
      `this is no state that was saved here: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}
