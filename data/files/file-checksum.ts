// The digest of a file, read in blocks.

import {createHash} from 'node:crypto';
import {createReadStream} from 'node:fs';
import {CorpusError} from './documents.js';

/** SHA-256 of a file and its size. Errors: CorpusError. */
export async function fileChecksum(path: string): Promise<{bytes: number; sha256: string}> {
  const hash = createHash('sha256');
  let bytes = 0;
  try {
    for await (const block of createReadStream(path)) {
      hash.update(block);
      bytes += block.length;
    }
  } catch (error) {
    throw new CorpusError(
      `corpus: ${path} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
  return {bytes, sha256: hash.digest('hex')};
}
