// TensorFlow's libraries and headers out of pip's wheel: downloaded once, checked, unpacked into the cache folder.
import {createHash} from 'node:crypto';
import {
  createReadStream,
  existsSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import {join} from 'node:path';
import {cacheFolder} from './folders.mjs';
import {Problem} from './problem.mjs';
import {has, run} from './run.mjs';

export const VERSION = '2.21.0';

/** Libraries do not depend on Python: one wheel for each platform serves whatever Python is here. */
const PYTHON = '311';
const platforms = {
  'linux x64': 'manylinux_2_27_x86_64',
  'linux arm64': 'manylinux_2_27_aarch64',
};

/** SHA-256 of the wheels that were used in making this. */
const checksums = {
  'tensorflow_cpu-2.21.0-cp311-cp311-manylinux_2_27_x86_64.whl':
    '2b847d217b02ee7731ed91431daf3250daa0196c3c94614d23be27232e6e5b6c',
};

const UNPACK = `
import sys, zipfile
wheel, target = sys.argv[1], sys.argv[2]
include = 'tensorflow/include/'
folders = tuple(include + name + '/' for name in (
    'tensorflow/c', 'tensorflow/core', 'tsl', 'xla/c', 'xla/tsl', 'xla/stream_executor',
    'absl', 'google/protobuf', 'Eigen', 'unsupported/Eigen', 'ml_dtypes'))
with zipfile.ZipFile(wheel) as archive:
    for name in archive.namelist():
        isProto = name.startswith(include + 'xla/') and name.count('/') == 3
        if isProto or name.startswith(folders) or name.startswith('tensorflow/libtensorflow'):
            archive.extract(name, target)
        if name.endswith('.dist-info/METADATA'):
            for line in archive.read(name).decode().splitlines():
                if line.startswith('Requires-Dist:') and 'extra == "and-cuda"' in line:
                    print(line.removeprefix('Requires-Dist:').split(';')[0].strip())
`;

/** Marks a folder as complete; another number when other files are unpacked. */
const COMPLETE = 'complete-2';

/** The unpacked wheel: {include, lib, libraries, version, origin}; `gpu`: the one with CUDA, and CUDA's libraries. */
export async function wheelLibrary({gpu}) {
  const platform = `${process.platform} ${process.arch}`;
  const tag = platforms[platform];
  if (tag === undefined) {
    throw new Problem(
      `no wheel of TensorFlow ${VERSION} is known for ${platform}; it is for ${Object.keys(platforms).join(', ')}. ` +
        'Use --backend wasm or webgpu here',
    );
  }
  const distribution = gpu ? 'tensorflow' : 'tensorflow-cpu';
  const folder = join(cacheFolder, `${distribution}-${VERSION}-${process.platform}-${process.arch}`);
  const library = {
    include: join(folder, 'tensorflow/include'),
    lib: join(folder, 'tensorflow'),
    libraries: ['libtensorflow_cc.so.2', 'libtensorflow_framework.so.2'],
    version: VERSION,
    origin: `pip's ${distribution} ${VERSION}`,
  };
  if (existsSync(join(folder, COMPLETE))) return library;
  if (!has('python3', ['-m', 'pip', '--version'])) {
    throw new Problem(
      'TensorFlow comes in a wheel of pip, and `python3 -m pip` does not work here; install Python 3 with pip ' +
        '(Debian: apt-get install python3-pip)',
    );
  }
  const wheel = download(distribution, tag);
  await check(wheel);
  console.log(`unpacking into ${folder}`);
  const partial = `${folder}.partial-${process.pid}`;
  rmSync(partial, {recursive: true, force: true});
  mkdirSync(partial, {recursive: true});
  const needs = run('python3', ['-c', UNPACK, wheel, partial], {
    what: 'unpacking the wheel',
    remedy: `remove ${wheel} and run this again`,
  });
  if (gpu) installCuda(needs.trim().split('\n'), partial);
  writeFileSync(join(partial, COMPLETE), '');
  rmSync(folder, {recursive: true, force: true});
  renameSync(partial, folder);
  rmSync(wheel);
  return library;
}

/** The libraries of CUDA, in the versions that the wheel asks for, where TensorFlow looks for them: beside its folder. */
function installCuda(requirements, folder) {
  console.log(`downloading ${requirements.length} libraries of CUDA with pip (gigabytes)`);
  run('python3', ['-m', 'pip', 'install', '--no-deps', '--target', folder, ...requirements], {
    what: 'downloading the libraries of CUDA',
    remedy: "check the network and pip's settings, then run this again",
  });
}

/** Has pip bring the wheel, unless an earlier run did; returns its path. */
function download(distribution, tag) {
  const folder = join(cacheFolder, 'wheels');
  mkdirSync(folder, {recursive: true});
  const start = `${distribution.replace('-', '_')}-${VERSION}-`;
  const found = () => readdirSync(folder).find(name => name.startsWith(start) && name.endsWith('.whl'));
  if (found() === undefined) {
    console.log(`downloading ${distribution} ${VERSION} with pip (some hundred MB)`);
    const help = run('python3', ['-m', 'pip', 'download', '--help'], {what: 'pip', remedy: 'repair pip'});
    // prettier-ignore
    const args = [
      '-m',
      'pip',
      'download',
      '--no-deps',
      '--only-binary=:all:',
      '--implementation',
      'cp',
      '--python-version',
      PYTHON,
      '--abi',
      `cp${PYTHON}`,
      '--platform',
      tag,
      '--dest',
      folder,
      '--disable-pip-version-check',
    ];
    if (help.includes('--resume-retries')) args.push('--resume-retries', '20');
    run('python3', [...args, `${distribution}==${VERSION}`], {
      what: `downloading ${distribution} ${VERSION}`,
      remedy:
        "check the network and pip's settings (`python3 -m pip config list`), then run this again; or put " +
        `the wheel ${start}cp${PYTHON}-cp${PYTHON}-${tag}.whl into ${folder} yourself`,
    });
  }
  return join(folder, found());
}

async function check(wheel) {
  const name = wheel.split(/[\\/]/).at(-1);
  const expected = checksums[name];
  const hash = createHash('sha256');
  for await (const block of createReadStream(wheel)) hash.update(block);
  const sum = hash.digest('hex');
  if (expected === undefined) {
    console.log(`no checksum of ${name} is pinned; its sha256 is ${sum}, as pip's index served it`);
  } else if (sum !== expected) {
    rmSync(wheel);
    throw new Problem(
      `${name} is damaged or not the one expected: sha256 ${sum}, expected ${expected}; it was removed, run this again`,
    );
  }
}
