// SHA-256 by Node itself. Reached through the import '#sha256' of package.json, so that browsers never see it.

import {createHash} from 'node:crypto';
import type {Sha256} from './portable.js';

export function startSha256(): Sha256 {
  const hash = createHash('sha256');
  return {
    add: bytes => {
      hash.update(bytes);
    },
    hex: () => hash.digest('hex'),
  };
}
