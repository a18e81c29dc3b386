// Ends a text before the first of some strings: what may be the beginning of one waits until it is known.

import {refuse} from '../custom-ops/check.js';

/** Watches a text that comes in pieces for strings that end it. */
export class StopStrings {
  private held = '';
  private stopped = false;

  /** Errors: ArgumentError naming `caller` for an empty string, and for what is no list. */
  constructor(
    caller: string,
    private readonly stops: readonly string[],
  ) {
    if (!Array.isArray(stops)) refuse(caller, 'stop', 'a list of strings', stops);
    const bad = stops.find(stop => typeof stop !== 'string' || stop === '');
    if (bad !== undefined)
      refuse(caller, 'stop', 'strings that are not empty', bad === '' ? "''" : typeof bad);
  }

  /** Whether one of the strings has come. */
  get isStopped(): boolean {
    return this.stopped;
  }

  /** The text that is known to stand before any of the strings, after one more piece. */
  push(piece: string): string {
    if (this.stopped) return '';
    this.held += piece;
    const found = this.stops
      .map(stop => ({at: this.held.indexOf(stop), length: stop.length}))
      .filter(({at}) => at >= 0);
    if (found.length > 0) {
      // The one that is complete first, however the text was cut into pieces; of two, the one that began first.
      const [first] = found.sort((a, b) => a.at + a.length - b.at - b.length || a.at - b.at);
      this.stopped = true;
      return this.held.slice(0, first.at);
    }
    const waiting = Math.max(0, ...this.stops.map(stop => begun(this.held, stop)));
    const known = this.held.slice(0, this.held.length - waiting);
    this.held = this.held.slice(known.length);
    return known;
  }

  /** What still waits when no more comes. */
  end(): string {
    return this.stopped ? '' : this.held;
  }
}

/** Characters at the end of a text with which `stop` may begin. */
function begun(text: string, stop: string): number {
  for (let length = Math.min(text.length, stop.length - 1); length > 0; length--)
    if (text.endsWith(stop.slice(0, length))) return length;
  return 0;
}
