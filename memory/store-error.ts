// One error for all stores, so that whoever attaches a memory need not know which one it is.

import {BmojoError} from '../errors/bmojo-error.js';

/**
 * Why a store refused: `argument` (what was asked makes no sense), `format` (a store of another model, width or precision),
 * `busy` (another process has it), `closed`, `damaged` (its bytes are not what was written), `full` (no place for more),
 * `unavailable` (a server, package or folder that is not there).
 */
export type MemoryRefusal = 'argument' | 'format' | 'busy' | 'closed' | 'damaged' | 'full' | 'unavailable';

const MISUSE: readonly MemoryRefusal[] = ['argument', 'format', 'busy', 'closed'];

/** A store of memory that cannot do what was asked; the message says why and what to do. */
export class MemoryStoreError extends BmojoError {
  override readonly name = 'MemoryStoreError';
  readonly kind: 'misuse' | 'damage';

  constructor(
    readonly reason: MemoryRefusal,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
    this.kind = MISUSE.includes(reason) ? 'misuse' : 'damage';
  }
}
