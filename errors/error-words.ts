// What of an error its reader needs: the message of those that are for users, the stack of those that are faults of ours.

import {BmojoError} from './bmojo-error.js';

/** Files that cannot be opened, made or written: the system's own words name the path. */
function isOfSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

/** Whether an error's message says all: what this package throws on purpose, and what the system says of files. */
export function isForUsers(error: unknown): boolean {
  return error instanceof BmojoError || isOfSystem(error);
}

export function errorWords(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  return isForUsers(error) ? error.message : (error.stack ?? error.message);
}
