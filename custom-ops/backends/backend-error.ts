import {BmojoError} from '../../errors/bmojo-error.js';

/** A backend that cannot start here; the message says why and what to install. */
export class BackendError extends BmojoError {
  override readonly name = 'BackendError';
  readonly kind = 'damage';
}

const PREFIX = 'bmojo: ';

/** What a start that failed is told as: our own messages as a {@link BackendError}, anything else as it came. */
export function asBackendError(error: unknown): unknown {
  if (!(error instanceof Error) || !error.message.startsWith(PREFIX)) return error;
  return new BackendError(error.message, {cause: error});
}
