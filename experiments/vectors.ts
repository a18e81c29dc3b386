// A folder of test vectors: anybody's, of the form that test/golden/README.md describes.

import {readdirSync, readFileSync, statSync} from 'node:fs';
import {join} from 'node:path';
import {BmojoError} from '../errors/bmojo-error.js';
import type {VectorSource} from '../eval/verify/verify.js';

/** A folder that holds no test vectors where some were expected. */
export class VectorFolderError extends BmojoError {
  override readonly name = 'VectorFolderError';
  readonly kind = 'damage';
}

/**
 * The `.safetensors` files of a folder (not of its subfolders), by name.
 * Errors: VectorFolderError when there is none, or no folder.
 */
export function vectorFiles(folder: string): VectorSource[] {
  const found = statSync(folder, {throwIfNoEntry: false});
  if (found?.isDirectory() !== true)
    throw new VectorFolderError(
      `verify: ${folder} ${found === undefined ? 'does not exist' : 'is a file'}; give a folder of .safetensors files`,
    );
  const names = readdirSync(folder)
    .filter(name => name.endsWith('.safetensors'))
    .sort();
  if (names.length === 0)
    throw new VectorFolderError(`verify: ${folder} must hold .safetensors files, found none`);
  return names.map(name => ({name, read: () => readFileSync(join(folder, name))}));
}
