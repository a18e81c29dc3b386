// Which tokens are in storage when: on the same borders as eidetic slots, so that whole sequences, chunks and steps agree.

import type {MixerSettings} from './mixer-schema.js';

type StorageSettings = Pick<MixerSettings, 'window'>;

/** Tokens that queries of chunk c may retrieve: those before the chunk before theirs, so that none is in the window as well. */
function tokensBefore(chunk: number, window: number): number {
  return Math.max(0, chunk - 1) * window;
}

/** Tokens in storage behind `position` others, on behalf of the chunk of the last one. */
export function storedTokens({window}: StorageSettings, position: number): number {
  return position === 0 ? 0 : tokensBefore(Math.floor((position - 1) / window), window);
}

/**
 * Rows that the layer's own store holds for a number of tokens: windows doubled until they suffice, so that the shapes of a
 * stream change only a few times. The latest token has the last row; rows in front are empty.
 */
export function storageCapacity({window}: StorageSettings, tokens: number): number {
  return tokens === 0 ? 0 : window * 2 ** Math.ceil(Math.log2(tokens / window));
}

/** Where the tokens of a step stand between the window and storage. */
export class StorageLayout {
  /** Tokens in storage for the chunk before the step, and for the chunk of its last token. */
  readonly before: number;
  readonly after: number;

  constructor(
    private readonly settings: StorageSettings,
    readonly position: number,
    readonly fresh: number,
  ) {
    this.before = storedTokens(settings, position);
    this.after = storedTokens(settings, position + fresh);
  }

  /** Whether all new tokens lie in one chunk: then all of them see the same storage. */
  get isOneChunk(): boolean {
    return this.phase + this.fresh <= this.settings.window;
  }

  /** Where in its chunk the first new token stands. */
  get phase(): number {
    return this.position % this.settings.window;
  }

  /** Tokens before the step that are not in storage yet. */
  get pending(): number {
    return this.position - this.before;
  }

  /** Tokens that enter during the step: whole chunks. */
  get entering(): number {
    return this.after - this.before;
  }

  /** Rows before and after the step. */
  get capacity(): {readonly before: number; readonly after: number} {
    const {settings} = this;
    return {before: storageCapacity(settings, this.before), after: storageCapacity(settings, this.after)};
  }
}
