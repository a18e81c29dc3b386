// The one door to SHA-256.

import {startSha256} from '#sha256';

export {startSha256} from '#sha256';
export type {Sha256} from './portable.js';

/** SHA-256 of bytes, as 64 hexadecimal digits. */
export function sha256Of(bytes: Uint8Array): string {
  const hash = startSha256();
  hash.add(bytes);
  return hash.hex();
}
