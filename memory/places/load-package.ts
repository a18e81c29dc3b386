// Packages that a store may need and that this one does not bring.

import {MemoryStoreError} from '../store-error.js';

/** Errors: MemoryStoreError that says how to install what is not there. */
export async function loadPackage(
  name: string,
  where: string,
  packages: readonly string[] = [name],
): Promise<Record<string, unknown>> {
  try {
    return await import(name);
  } catch (error) {
    throw new MemoryStoreError(
      'unavailable',
      `a memory in ${where} needs what is not installed here: npm install ${packages.join(' ')}`,
      {cause: error},
    );
  }
}
