// Builds the CUDA kernels' harness with nvcc into build/cuda: node scripts/build-cuda.mjs [--arch 90,120] [--emulated]
//   --archive     libbmojo-cuda.a instead, the kernels alone, for other programs to link (also with --emulated)
//   --out FOLDER  there instead of build/cuda
//   --arch LIST   compute capabilities to compile for; default 80,90,100,120, and PTX of the last for later cards
//   --library     build/cuda/libbmojo-cuda.so too: every kernel behind one C function, for other programs
//   --emulated    build/cuda/harness-emulated instead: the same sources as C++ for the CPU, no nvcc or GPU needed
// Then: build/cuda/harness build/cuda/vectors.bin --time (npm run cuda:harness also writes the vectors).

import {spawn, spawnSync} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, statSync} from 'node:fs';
import {cpus} from 'node:os';
import {dirname, join, relative, resolve} from 'node:path';
import {fileURLToPath} from 'node:url';
import {parseArgs} from 'node:util';
import {filesOfOps} from './tables/registry.mjs';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const {values} = parseArgs({
  options: {
    arch: {type: 'string', default: '80,90,100,120'},
    emulated: {type: 'boolean', default: false},
    library: {type: 'boolean', default: false},
    archive: {type: 'boolean', default: false},
    out: {type: 'string'},
  },
});
const sources = join(root, 'custom-ops');
const target = values.out === undefined ? join(root, 'build/cuda') : resolve(values.out);

function fail(message) {
  console.error(`build-cuda: ${message}`);
  process.exit(1);
}

const files = readdirSync(sources, {recursive: true, withFileTypes: true})
  .filter(entry => entry.isFile())
  .map(entry => join(entry.parentPath, entry.name));
const headersAt = Math.max(
  ...files
    .filter(path => /\.(h|cuh)$/.test(path) && !path.includes('/native/tensorflow/'))
    .map(path => statSync(path).mtimeMs),
);
const common = join(sources, 'native/cuda');
if (!existsSync(join(common, 'kernels.generated.h')))
  fail('the tables of kernels are missing; npm run build writes them');
const kernels = [
  ...filesOfOps('kernel.cu').map(path => join(root, path)),
  join(common, 'bounded-integers.cu'),
  join(common, 'column-sums.cu'),
];
const harness = [
  ...['main.cc', 'parity.cc', 'vectors.cc', 'workloads.cc', 'workloads.generated.cc', 'fill.cu'].map(name =>
    join(common, 'harness', name),
  ),
  ...filesOfOps('workloads.cc').map(path => join(root, path)),
];

const architectures = values.arch.split(',');
if (!architectures.every(arch => /^\d+a?$/.test(arch)))
  fail(`--arch takes numbers such as 80,90, got ${values.arch}`);
const last = architectures.at(-1);
const targets = [
  ...architectures.map(arch => `-gencode=arch=compute_${arch},code=sm_${arch}`),
  `-gencode=arch=compute_${last},code=compute_${last}`,
];
const folder = join(target, values.emulated ? 'emulated' : `objects-${values.arch}`);
mkdirSync(folder, {recursive: true});

// An archive is built on users' machines, whose compilers may warn of other things.
const strict = !values.archive;
const [compiler, flags, sourcesOfAll] = values.emulated
  ? [
      process.env.CXX ?? 'g++',
      [
        '-std=c++17',
        '-O2',
        '-Wall',
        '-Wextra',
        ...(strict ? ['-Werror'] : []),
        '-Wno-unknown-pragmas',
        '-Wno-maybe-uninitialized',
        '-DBMOJO_EMULATED',
        '-fPIC',
      ],
      [
        ...kernels,
        join(common, 'kernels.generated.cc'),
        join(common, 'emulator.cc'),
        ...harness,
        join(common, 'harness/timing-emulated.cc'),
      ],
    ]
  : [
      process.env.NVCC ?? 'nvcc',
      [
        '-std=c++17',
        '-O3',
        ...(strict ? ['-Werror', 'all-warnings'] : []),
        '-Xcompiler',
        '-Wall,-Wextra,-fPIC',
        ...targets,
      ],
      [
        ...kernels,
        join(common, 'kernels.generated.cc'),
        ...harness,
        join(common, 'harness/timing.cu'),
        join(common, 'library.cc'),
      ],
    ];
if (spawnSync(compiler, ['--version']).status !== 0) {
  const remedy = values.emulated
    ? 'install it'
    : 'install the CUDA toolkit (13 or later), or set NVCC to its nvcc';
  fail(`${compiler} is not there; ${remedy}`);
}
const isOwn = path => !harness.includes(path) && !path.includes('/harness/');
const isLibrary = path => path === join(common, 'library.cc');
const all = values.archive ? sourcesOfAll.filter(path => isOwn(path) && !isLibrary(path)) : sourcesOfAll;

function run(args, program = compiler) {
  return new Promise((resolve, reject) => {
    const child = spawn(program, args, {cwd: root, stdio: 'inherit'});
    child.on('exit', code => (code === 0 ? resolve() : reject(new Error(`${program} ${args.at(-1)}`))));
  });
}

const objectOf = path => join(folder, `${relative(sources, path).replaceAll('/', '-')}.o`);
const stale = all.filter(path => {
  const object = objectOf(path);
  return !existsSync(object) || statSync(object).mtimeMs < Math.max(statSync(path).mtimeMs, headersAt);
});
const started = Date.now();
// What takes longest first: the kernels that include the most.
const includes = path => readFileSync(path, 'utf8').split('#include').length;
const queue = [...stale].sort((a, b) => includes(b) - includes(a));
async function work() {
  for (let path = queue.shift(); path !== undefined; path = queue.shift()) {
    const language = values.emulated ? ['-x', 'c++'] : [];
    await run([...flags, '-Icustom-ops', ...language, '-c', path, '-o', objectOf(path)]);
  }
}
// Nothing but the driver and the C library must be there where the harness runs.
const link = values.emulated
  ? []
  : ['-cudart', 'static', '-Xcompiler', '-s,-static-libstdc++,-static-libgcc'];
const binary = join(
  target,
  values.archive ? 'libbmojo-cuda.a' : values.emulated ? 'harness-emulated' : 'harness',
);
try {
  await Promise.all(Array.from({length: Math.min(cpus().length, 8)}, work));
  if (values.archive) {
    rmSync(binary, {force: true});
    await run(['rcs', binary, ...all.map(objectOf)], 'ar');
  } else {
    await run([...link, '-o', binary, ...all.filter(path => !isLibrary(path)).map(objectOf)]);
  }
  if (values.library)
    await run([
      ...link,
      '-shared',
      '-o',
      join(target, 'libbmojo-cuda.so'),
      ...all.filter(isOwn).map(objectOf),
    ]);
} catch (error) {
  fail(`${error.message} failed, see above`);
}
const size = (statSync(binary).size / 2 ** 20).toFixed(1);
console.log(
  `${relative(root, binary)}: ${size} MiB, ${stale.length} files compiled in ${((Date.now() - started) / 1000).toFixed(0)} s`,
);
