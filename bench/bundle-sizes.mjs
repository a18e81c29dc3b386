// What a page loads of bmojo, minified and gzipped: node bench/bundle-sizes.mjs. `at once` is before the first line runs;
// `on wasm` and `on WebGPU` add what that backend brings; .wasm files of tfjs aside (they are fetched as they are).
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {gzipSync} from 'node:zlib';
import {build} from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');

/** What a page is for, and the smallest module that does it. */
const pages = {
  'decode only': `import {generateText, openModel, useBackend} from 'bmojo'; globalThis.page = {generateText, openModel, useBackend};`,
  'train too': `import {generateText, openModel, useBackend, LanguageModel} from 'bmojo';
    import {train, taskWorkload, languageWorkload} from 'bmojo/train';
    globalThis.page = {generateText, openModel, useBackend, LanguageModel, train, taskWorkload, languageWorkload};`,
};

/** Gzipped bytes of the chunks that the entry needs, and of those that a dynamic import of `pattern` adds. */
async function sizesOf(code) {
  const folder = mkdtempSync(join(tmpdir(), 'bmojo-sizes-'));
  try {
    const {metafile} = await build({
      stdin: {contents: code, resolveDir: root, sourcefile: 'entry.js'},
      bundle: true,
      minify: true,
      splitting: true,
      format: 'esm',
      platform: 'browser',
      conditions: ['browser', 'module', 'import', 'default'],
      mainFields: ['browser', 'module', 'main'],
      outdir: folder,
      metafile: true,
      logLevel: 'error',
      absWorkingDir: root,
    });
    const {outputs} = metafile;
    const behind = (start, seen = new Set()) => {
      if (seen.has(start)) return seen;
      seen.add(start);
      for (const {path, kind, external} of outputs[start].imports)
        if (kind !== 'dynamic-import' && !external) behind(path, seen);
      return seen;
    };
    const gzip = paths =>
      [...paths].reduce((sum, path) => sum + gzipSync(readFileSync(join(root, path))).length, 0);
    const entry = Object.keys(outputs).find(path => outputs[path].entryPoint?.endsWith('entry.js'));
    const atOnce = behind(entry);
    const with_ = pattern => {
      const chunks = Object.keys(outputs).filter(path => pattern.test(outputs[path].entryPoint ?? ''));
      return gzip(new Set([...atOnce, ...chunks.flatMap(path => [...behind(path)])]));
    };
    return {
      'at once': gzip(atOnce),
      'on wasm': with_(/tfjs-backend-wasm|backends\/wasm\.js/),
      'on WebGPU': with_(/backends\/webgpu\/index\.js/),
    };
  } finally {
    rmSync(folder, {recursive: true, force: true});
  }
}

/** Gzipped bytes by page and by what runs there. */
export async function bundleSizes() {
  const entries = [];
  for (const [name, code] of Object.entries(pages)) entries.push([name, await sizesOf(code)]);
  return Object.fromEntries(entries);
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  for (const [name, sizes] of Object.entries(await bundleSizes()))
    console.log(
      `${name}: ${Object.entries(sizes)
        .map(([what, bytes]) => `${what} ${Math.round(bytes / 1000)} kB`)
        .join(', ')}`,
    );
}
