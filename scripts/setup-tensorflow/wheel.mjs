// TensorFlow's libraries and headers out of pip's wheels: downloaded once, unpacked into the cache folder. Files of the
// digests that are pinned here or named in a requirements file are taken and no others, from wherever they come.
import {createHash} from 'node:crypto';
import {existsSync, mkdirSync, readdirSync, readFileSync, renameSync, rmSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import {cacheFolder, root} from './folders.mjs';
import {Problem} from './problem.mjs';
import {has, run} from './run.mjs';

export const VERSION = '2.21.0';

/** Options of pip that name a wheel whatever Python is here: libraries do not depend on it. */
const wheelOf = (python, ...platforms) => [
  '--implementation',
  'cp',
  '--python-version',
  python,
  '--abi',
  `cp${python}`,
  ...platforms.flatMap(platform => ['--platform', platform]),
];

const pinned = name => ({requirements: join(root, 'scripts/setup-tensorflow', name)});

/** Platforms that TensorFlow has wheels for, and what is pinned of each: for CPUs, and with CUDA where there is such a wheel. */
const platforms = {
  'linux x64': {
    cpu: {...pinned('requirements-linux-x64.txt'), choice: wheelOf('311', 'manylinux_2_27_x86_64')},
    cuda: {
      ...pinned('requirements-linux-x64-cuda.txt'),
      choice: wheelOf('312', 'manylinux_2_27_x86_64', 'manylinux_2_17_x86_64', 'manylinux2014_x86_64'),
    },
  },
  'linux arm64': {
    cpu: {
      ...pinned('requirements-linux-arm64.txt'),
      choice: wheelOf('313', 'manylinux_2_27_aarch64'),
      /** BLAKE2b of 256 bits, by which the package index names the file; pip itself compares other digests alone. */
      blake2b: '7272343b86b4c9bfe28e81f749439f908c1e26aeac73d9f12b8dcdb996eb8ecb',
    },
  },
};

const BLAKE2B = `
import hashlib, sys
for path in sys.argv[1:]:
    digest = hashlib.blake2b(digest_size=32)
    with open(path, 'rb') as wheel:
        while block := wheel.read(1 << 24):
            digest.update(block)
    print(digest.hexdigest())
`;

const UNPACK = `
import os, sys, zipfile
target, *wheels = sys.argv[1:]
include = 'tensorflow/include/'
folders = tuple(include + name + '/' for name in (
    'tensorflow/c', 'tensorflow/core', 'tsl', 'xla/c', 'xla/tsl', 'xla/stream_executor',
    'absl', 'google/protobuf', 'Eigen', 'unsupported/Eigen', 'ml_dtypes'))
for wheel in wheels:
    isTensorFlow = os.path.basename(wheel).startswith('tensorflow')
    with zipfile.ZipFile(wheel) as archive:
        for name in archive.namelist():
            isProto = name.startswith(include + 'xla/') and name.count('/') == 3
            isWanted = isProto or name.startswith(folders) or name.startswith('tensorflow/libtensorflow')
            if isWanted or not isTensorFlow:
                archive.extract(name, target)
`;

/** Marks a folder as complete; another number when other files are unpacked. */
const COMPLETE = 'complete-2';

const HOW =
  `make a requirements file with digests (pip-compile --generate-hashes, of tensorflow==${VERSION}, or of ` +
  `tensorflow[and-cuda]==${VERSION} for a GPU), and name it: --requirements FILE`;

/**
 * What to install: {requirements, choice, blake2b?}. Errors: Problem where nothing is pinned and no requirements file was given.
 */
function wantedFor({gpu, requirements, pins}, platform) {
  const known = pins[platform];
  if (known === undefined)
    throw new Problem(
      `no wheel of TensorFlow ${VERSION} is known for ${platform}; there are some for ` +
        `${Object.keys(pins).join(', ')}. Use --backend wasm or webgpu here`,
    );
  if (requirements !== undefined) return {requirements, choice: []};
  const wanted = gpu ? known.cuda : known.cpu;
  if (wanted === undefined)
    throw new Problem(
      `no TensorFlow ${VERSION} with CUDA is known for ${platform}, and nothing is downloaded unchecked; ${HOW}`,
    );
  return wanted;
}

/** Its text and what it names TensorFlow. Errors: Problem for one that cannot be read or names another TensorFlow. */
function readRequirements(path) {
  let text;
  try {
    text = readFileSync(path, 'utf8');
  } catch (error) {
    throw new Problem(`--requirements ${path} cannot be read (${error.code}); ${HOW}`);
  }
  const [, distribution, version] = /^(tensorflow(?:-cpu)?)(?:\[[\w,-]+\])?==([^\s\\]+)/m.exec(text) ?? [];
  if (version !== VERSION)
    throw new Problem(
      `--requirements ${path} must name tensorflow==${VERSION} or tensorflow-cpu==${VERSION}, got ` +
        `${distribution === undefined ? 'neither' : `${distribution}==${version}`}; ${HOW}`,
    );
  return {text, distribution};
}

/**
 * What was unpacked: {include, lib, libraries, version, origin}. `gpu`: with CUDA; `requirements`: the file that names what to
 * take, by digest, in place of the pinned one (`pins`, by platform). Errors: Problem, before anything is downloaded, where no digest is known, and
 * for a wheel of another digest, before anything is unpacked.
 */
export function wheelLibrary({
  gpu,
  requirements,
  platform = `${process.platform} ${process.arch}`,
  pins = platforms,
}) {
  const wanted = wantedFor({gpu, requirements, pins}, platform);
  const {text, distribution} = readRequirements(wanted.requirements);
  const own =
    requirements === undefined ? '' : `-${createHash('sha256').update(text).digest('hex').slice(0, 16)}`;
  const folder = join(
    cacheFolder,
    `${distribution}-${VERSION}-${platform.replace(' ', '-')}${gpu ? '-cuda' : ''}${own}`,
  );
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
  const partial = `${folder}.partial-${process.pid}`;
  rmSync(partial, {recursive: true, force: true});
  try {
    const wheels = download(wanted, join(partial, 'wheels'));
    console.log(`unpacking into ${folder}`);
    run('python3', ['-c', UNPACK, partial, ...wheels], {
      what: 'unpacking the wheel',
      remedy: 'see whether the disk is full, and run this again',
    });
    rmSync(join(partial, 'wheels'), {recursive: true});
    writeFileSync(join(partial, COMPLETE), '');
    rmSync(folder, {recursive: true, force: true});
    renameSync(partial, folder);
  } finally {
    rmSync(partial, {recursive: true, force: true});
  }
  return library;
}

/** Has pip bring the wheels that a requirements file names, from the cache folder if they lie there; returns their paths. */
function download({requirements, choice, blake2b}, target) {
  const kept = join(cacheFolder, 'wheels');
  mkdirSync(kept, {recursive: true});
  mkdirSync(target, {recursive: true});
  console.log(`downloading TensorFlow ${VERSION} with pip (some hundred MB, gigabytes with CUDA)`);
  const help = run('python3', ['-m', 'pip', 'download', '--help'], {what: 'pip', remedy: 'repair pip'});
  const args = [
    '-m',
    'pip',
    'download',
    ...(blake2b === undefined ? ['--require-hashes'] : []),
    '--requirement',
    requirements,
    '--no-deps',
    '--only-binary=:all:',
    ...choice,
    '--find-links',
    kept,
    '--dest',
    target,
    '--disable-pip-version-check',
    ...(help.includes('--resume-retries') ? ['--resume-retries', '20'] : []),
  ];
  run('python3', args, {
    what: `downloading TensorFlow ${VERSION}`,
    remedy:
      "check the network and pip's settings (`python3 -m pip config list`), then run this again; or put the wheel that " +
      `${requirements} names into ${kept} yourself`,
  });
  const wheels = readdirSync(target).map(name => join(target, name));
  if (blake2b !== undefined) {
    const said = run('python3', ['-c', BLAKE2B, ...wheels], {
      what: 'reading the wheel',
      remedy: 'run this again',
    });
    if (said.trim() !== blake2b)
      throw new Problem(
        `what pip downloaded is not the TensorFlow ${VERSION} that is pinned: BLAKE2b ${said.trim()}, expected ` +
          `${blake2b}; see where pip gets it from (\`python3 -m pip config list\`), or ${HOW}`,
      );
  }
  return wheels;
}
