// Bundles the command line into one file for machines without node_modules, and beside it the process that trains a run of several
// (run-worker.js): node scripts/bundle-cli.mjs OUT.mjs [ENTRY]
// There, BMOJO_DAWN names a dawn.node file for --backend webgpu; the wasm backend finds tfjs's .wasm files beside OUT.

import {copyFileSync, readdirSync} from 'node:fs';
import {createRequire} from 'node:module';
import {dirname, join, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {build} from 'esbuild';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const [out, entry = join(root, 'dist/cli.js')] = process.argv.slice(2);
if (out === undefined) {
  console.error('usage: node scripts/bundle-cli.mjs OUT.mjs [ENTRY]');
  process.exit(2);
}

// What CommonJS dependencies expect to find in their scope.
const banner = `import {createRequire as bundleRequire} from 'node:module';
import {dirname as bundleDirname} from 'node:path';
import {fileURLToPath as bundlePath} from 'node:url';
const require = bundleRequire(import.meta.url);
const __filename = bundlePath(import.meta.url);
const __dirname = bundleDirname(__filename);`;

const bundle = (from, to) =>
  build({
    entryPoints: [from],
    outfile: to,
    bundle: true,
    platform: 'node',
    format: 'esm',
    external: ['webgpu'],
    banner: {js: banner},
    logLevel: 'warning',
  });
await bundle(entry, out);
await bundle(join(root, 'dist/experiments/run-worker.js'), join(dirname(resolve(out)), 'run-worker.js'));

const wasm = dirname(createRequire(import.meta.url).resolve('@tensorflow/tfjs-backend-wasm'));
for (const name of readdirSync(wasm).filter(file => file.endsWith('.wasm'))) {
  copyFileSync(join(wasm, name), join(dirname(resolve(out)), name));
}
