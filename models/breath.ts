// Pauses in long computations: backends on the host never wait by themselves.

import {nextTurn} from './turn.js';

/** Milliseconds after which signals, timers, streams and the page get their turn. */
const BREATH = 16;

export class Breath {
  private taken = performance.now();

  /** Lets others run if they have waited for long enough. */
  async take(): Promise<void> {
    if (performance.now() - this.taken < BREATH) return;
    await nextTurn();
    this.taken = performance.now();
  }
}
