// Refusals of the native checks.

import {ArgumentError} from '../../check.js';

/** An error of TensorFlow's, as ours where it carries our format through TensorFlow's status. */
export function asArgumentError(error: unknown): unknown {
  const message = error instanceof Error ? error.message : String(error);
  const found = /(\w+): (.+?) must be ([\s\S]+), got ([\s\S]*?)\s*$/.exec(
    message.replace(/^[\s\S]*?Message: /, ''),
  );
  return found === null ? error : new ArgumentError(found[1], found[2], found[3], found[4]);
}
