import {BmojoError} from '../errors/bmojo-error.js';

/** A run folder that is not there, not one, damaged, or would be overwritten. */
export class RunFolderError extends BmojoError {
  override readonly name = 'RunFolderError';
  readonly kind = 'damage';
}
