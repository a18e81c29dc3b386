// The CUDA toolkit on this machine, and our CUDA kernels as an archive that the operators are linked with.
import {spawnSync} from 'node:child_process';
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {buildFolder, root} from './folders.mjs';
import {Problem} from './problem.mjs';
import {run} from './run.mjs';

/** The first that knows the newest cards that scripts/build-cuda.mjs compiles for (compute capability 12.0). */
const FIRST = [12, 8];

/** {nvcc, version, include, lib}. Throws a Problem that says what to install. */
export function findToolkit() {
  const nvcc = process.env.NVCC ?? 'nvcc';
  const {status, stdout} = spawnSync(nvcc, ['--version'], {encoding: 'utf8'});
  const needed = `CUDA kernels are compiled with nvcc of the CUDA toolkit, ${FIRST.join('.')} or later`;
  const remedy =
    'install it (developer.nvidia.com/cuda-downloads, or Debian: apt-get install nvidia-cuda-toolkit where that is ' +
    'new enough) and put its bin folder on PATH, or set NVCC to its nvcc; without --gpu operators run on the CPU';
  if (status !== 0) throw new Problem(`${needed}; ${nvcc} does not run here. To get it: ${remedy}`);
  const [, major, minor] = /release (\d+)\.(\d+)/.exec(stdout)?.map(Number) ?? [0, 0, 0];
  const version = `${major}.${minor}`;
  if (major < FIRST[0] || (major === FIRST[0] && minor < FIRST[1]))
    throw new Problem(`${needed}; ${nvcc} is of ${version}. To get a newer one: ${remedy}`);
  // What nvcc would do tells where the toolkit is, also when nvcc is a script somewhere else.
  const plan = spawnSync(nvcc, ['--dryrun', '-E', '-x', 'cu', '/dev/null'], {encoding: 'utf8'}).stderr;
  const top = process.env.CUDA_HOME ?? /^#\$ TOP=(.+)$/m.exec(plan)?.[1] ?? '/usr/local/cuda';
  const target = /^#\$ _TARGET_DIR_=(.+)$/m.exec(plan)?.[1] ?? '';
  const find = (what, folders) => {
    const found = folders.map(name => join(top, name)).find(folder => existsSync(join(folder, what)));
    if (found === undefined) throw new Problem(`the CUDA toolkit at ${top} has no ${what}; ${remedy}`);
    return found;
  };
  return {
    nvcc,
    version,
    include: find('cuda_runtime_api.h', ['include', `${target}/include`]),
    lib: find('libcudart_static.a', ['lib64', 'lib', `${target}/lib`]),
  };
}

/**
 * Builds what is out of date of the archive and returns what binding.gyp is told of it.
 * `emulated`: the CUDA sources as C++ for the CPU, which tests run without a GPU.
 */
export function buildCudaArchive({emulated = false, folder = join(buildFolder, 'cuda')} = {}) {
  const toolkit = emulated ? undefined : findToolkit();
  console.log(
    emulated
      ? 'compiling the CUDA kernels as C++ for the CPU'
      : `compiling the CUDA kernels with nvcc ${toolkit.version} (minutes, the first time)`,
  );
  const args = [join(root, 'scripts/build-cuda.mjs'), '--archive', '--out', folder];
  run(process.execPath, emulated ? [...args, '--emulated'] : args, {
    cwd: root,
    what: 'compiling the CUDA kernels',
    remedy: 'the output below says why',
  });
  const archive = join(folder, 'libbmojo-cuda.a');
  return emulated
    ? {kind: 'emulated', archive}
    : {
        kind: 'nvcc',
        archive,
        version: toolkit.version,
        include: toolkit.include,
        // The runtime is linked in: nothing but the driver must be there where the operators run, and not even that to
        // run them on the CPU.
        libraries: `-L${toolkit.lib} -lcudart_static -lrt -ldl`,
      };
}
