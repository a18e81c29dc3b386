import {BmojoError} from '../../errors/bmojo-error.js';
import {shown} from '../../errors/shown.js';

/** A checkpoint that no layout of ours reads; the message says which file, setting or tensor, what was expected, and what came. */
export class CheckpointImportError extends BmojoError {
  override readonly name = 'CheckpointImportError';
  readonly kind = 'damage';
}

/** Errors: CheckpointImportError, always. */
export function refuseImport(where: string, what: string, expected: string, received: unknown): never {
  throw new CheckpointImportError(`${where}: ${what} must be ${expected}, got ${shown(received)}`);
}
