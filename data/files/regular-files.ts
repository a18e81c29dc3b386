// Inputs that can be read once only, such as pipes and process substitutions, as files that can be read again.

import {createReadStream, createWriteStream, existsSync, mkdtempSync, rmSync, statSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {pipeline} from 'node:stream/promises';
import {CorpusError} from './documents.js';

async function copyStream(path: string, copy: string): Promise<void> {
  try {
    await pipeline(createReadStream(path), createWriteStream(copy, {flags: 'wx'}));
  } catch (error) {
    throw new CorpusError(
      `corpus: ${path} cannot be read: ${error instanceof Error ? error.message : error}`,
    );
  }
}

/** Where the bytes of each path lie while `use` runs; what has no size is copied in blocks and removed afterwards. Errors: CorpusError. */
export async function withRegularFiles<T>(
  paths: readonly string[],
  use: (copies: ReadonlyMap<string, string>) => Promise<T>,
): Promise<T> {
  const copies = new Map(paths.map(path => [path, path]));
  let folder: string | undefined;
  try {
    for (const [number, path] of [...copies.keys()].entries()) {
      if (!existsSync(path)) continue;
      const about = statSync(path);
      if (about.isFile() || about.isDirectory()) continue;
      folder ??= mkdtempSync(join(tmpdir(), 'bmojo-input-'));
      const copy = join(folder, String(number));
      await copyStream(path, copy);
      copies.set(path, copy);
    }
    return await use(copies);
  } finally {
    if (folder !== undefined) rmSync(folder, {recursive: true, force: true});
  }
}
