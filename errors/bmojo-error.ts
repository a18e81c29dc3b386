// What every error of this package is, so that whoever reports one can tell a wish that cannot be met from damaged things.

/** `misuse`: what was asked for cannot be. `damage`: a file, a machine or a service is not as it must be. */
export type ErrorKind = 'misuse' | 'damage';

/** Base of all errors that this package throws on purpose; their messages are for users, and no stack is needed to read them. */
export abstract class BmojoError extends Error {
  abstract readonly kind: ErrorKind;
}
