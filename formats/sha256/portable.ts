// SHA-256 in plain JavaScript: what the browser's own cannot do is to take a file piece by piece, or to work on pages that
// came without TLS.

import {sha256} from '@noble/hashes/sha2.js';
import {bytesToHex} from '@noble/hashes/utils.js';

/** A SHA-256 that is fed piece by piece. */
export interface Sha256 {
  add(bytes: Uint8Array): void;
  /** The digest of everything so far, as 64 hexadecimal digits; nothing can be added afterwards. */
  hex(): string;
}

export function startSha256(): Sha256 {
  const hash = sha256.create();
  return {
    add: bytes => {
      hash.update(bytes);
    },
    hex: () => bytesToHex(hash.digest()),
  };
}
