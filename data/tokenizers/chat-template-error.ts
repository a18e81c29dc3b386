// The error of chat templates, apart from what throws it.

import {BmojoError} from '../../errors/bmojo-error.js';

/** A conversation that a template refuses, or a template that cannot be used; the message says which, and why. */
export class ChatTemplateError extends BmojoError {
  override readonly name = 'ChatTemplateError';
  readonly kind = 'misuse';
}
