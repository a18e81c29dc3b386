// Compiles the C++ kernels to WASM with an LLVM that is itself WASM, and writes them as a TypeScript module.
// Skips the work when no source changed.
import {createHash} from 'node:crypto';
import {existsSync, readdirSync, readFileSync, writeFileSync} from 'node:fs';
import {dirname, join, relative} from 'node:path';
import {fileURLToPath} from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const target = join(root, 'custom-ops/native/wasm-binary.generated.ts');
/** Includes every operator's kernel.h; written by scripts/write-tables.mjs. */
const kernels = 'custom-ops/native/kernels.generated.cc';
const compile = [
  '--target=wasm32',
  '-std=c++17',
  '-O3',
  '-msimd128',
  '-mbulk-memory',
  '-mmutable-globals',
  '-mnontrapping-fptoint',
  '-fno-exceptions',
  '-fno-rtti',
  '-fno-math-errno',
  '-ffp-contract=fast',
  '-fno-builtin-memset',
  '-nostdlib',
  '-Icustom-ops',
  '-Wall',
  '-Wextra',
  '-Werror',
  '-Wno-unused-function',
  '-c',
];
const link = [
  '--no-entry',
  '--import-memory',
  '--export=__stack_pointer',
  '--stack-first',
  '-z',
  'stack-size=65536',
  '--strip-all',
];

/** Source files below custom-ops as the nested object that the compiler takes for a file tree. */
function sources(folder, hash) {
  const tree = {};
  for (const entry of readdirSync(folder, {withFileTypes: true}).sort((a, b) => (a.name < b.name ? -1 : 1))) {
    const path = join(folder, entry.name);
    if (entry.isDirectory()) {
      if (entry.name === 'tensorflow' || entry.name === 'cuda') continue; // built by setup-tensorflow
      const inner = sources(path, hash);
      if (Object.keys(inner).length > 0) tree[entry.name] = inner;
    } else if (entry.name.endsWith('.h') || path === join(root, kernels)) {
      tree[entry.name] = readFileSync(path, 'utf8');
      hash.update(relative(root, path)).update(tree[entry.name]);
    }
  }
  return tree;
}

/** Refuses a module with a data segment: its addresses would overwrite tfjs's own data. */
function checkNoData(bytes) {
  let at = 8;
  while (at < bytes.length) {
    const id = bytes[at++];
    let size = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = bytes[at++];
      size |= (byte & 127) << shift;
      if (byte < 128) break;
    }
    if (id === 11)
      throw new Error('the kernels have a data segment: avoid tables and static arrays in kernel.h');
    at += size;
  }
}

const hash = createHash('sha256').update(JSON.stringify([compile, link]));
const tree = sources(join(root, 'custom-ops'), hash);
const stamp = `// ${hash.digest('hex')}`;
if (existsSync(target) && readFileSync(target, 'utf8').startsWith(stamp)) {
  console.log('wasm kernels: up to date');
} else {
  const started = Date.now();
  const {commands} = await import('@yowasp/clang');
  const print = bytes => bytes !== null && process.stderr.write(bytes);
  const options = {stdout: print, stderr: print, fetchProgress: () => {}};
  const run = (tool, args, files) =>
    commands[tool](args, files, options).catch(error => {
      if (error.files === undefined) throw error;
      console.error(`build-wasm: ${tool} failed, see above`);
      process.exit(1);
    });
  const built = await run('clang++', [...compile, kernels, '-o', 'kernels.o'], {
    'custom-ops': tree,
  });
  const linked = await run('wasm-ld', [...link, 'kernels.o', '-o', 'kernels.wasm'], built);
  const bytes = Buffer.from(linked['kernels.wasm']);
  checkNoData(bytes);
  await WebAssembly.compile(bytes);
  writeFileSync(
    target,
    `${stamp}\n/** Base64 of the WASM module with every operator's kernels; written by scripts/build-wasm.mjs. */\n` +
      `export const wasmBinary =\n  '${bytes.toString('base64')}';\n`,
  );
  console.log(`wasm kernels: ${bytes.length} bytes in ${((Date.now() - started) / 1000).toFixed(1)} s`);
}
