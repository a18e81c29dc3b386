// What TypeScript exports, for scripts that run before anything is compiled.
import {mkdirSync, mkdtempSync, rmSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';

const cache = join(dirname(fileURLToPath(import.meta.url)), '../../node_modules/.cache/bmojo');

/** The exports of a module whose text is `contents`, and whose imports are read from `folder`. */
export async function importTypeScript(contents, folder) {
  const {build} = await import('esbuild');
  mkdirSync(cache, {recursive: true});
  const made = mkdtempSync(join(cache, 'tables-'));
  const outfile = join(made, 'module.mjs');
  try {
    await build({
      stdin: {contents, resolveDir: folder},
      outfile,
      bundle: true,
      platform: 'node',
      format: 'esm',
      packages: 'external',
      logLevel: 'warning',
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(made, {recursive: true});
  }
}
