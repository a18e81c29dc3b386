// Builds tfjs-node's binding and our operators with node-gyp, from copies of the sources in the build folder.
import {createHash} from 'node:crypto';
import {cpSync, existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {cpus} from 'node:os';
import {dirname, join} from 'node:path';
import {buildFolder, root} from './folders.mjs';
import {nodeHeaders} from './node-headers.mjs';
import {Problem} from './problem.mjs';
import {has, run} from './run.mjs';

function filesBelow(folder, wanted) {
  return readdirSync(folder, {withFileTypes: true, recursive: true})
    .filter(entry => entry.isFile() && wanted.test(entry.name))
    .map(entry => join(entry.parentPath, entry.name))
    .sort();
}

/** Everything that the result depends on; the processor too, since operators are compiled for it. */
function fingerprint(library, cuda, tfjsNode) {
  const hash = createHash('sha256').update(
    JSON.stringify([library, cuda, process.arch, bindingFolder(tfjsNode), cpus()[0]?.model]),
  );
  if (cuda !== undefined) hash.update(readFileSync(cuda.archive));
  const sources = [
    ...filesBelow(join(root, 'custom-ops'), /\.(h|cc|gyp)$/),
    ...filesBelow(join(tfjsNode, 'binding'), /\.(h|cc)$/),
    ...filesBelow(join(root, 'scripts/setup-tensorflow'), /\.mjs$/),
  ];
  for (const file of sources) hash.update(file.slice(root.length)).update(readFileSync(file));
  return hash.digest('hex');
}

function checkTools() {
  if (!has('python3'))
    throw new Problem('node-gyp needs Python 3; install it (Debian: apt-get install python3)');
  if (!has(process.env.CXX ?? 'c++') && !has('g++') && !has('clang++')) {
    throw new Problem('no C++ compiler is there; install one (Debian: apt-get install build-essential)');
  }
  if (!has('make')) throw new Problem('node-gyp needs make; install it (Debian: apt-get install make)');
}

/** Where node-pre-gyp looks for the binding: the newest N-API version that both sides know. */
function bindingFolder(tfjsNode) {
  const {binary} = JSON.parse(readFileSync(join(tfjsNode, 'package.json'), 'utf8'));
  const version = Math.max(...binary.napi_versions.filter(known => known <= Number(process.versions.napi)));
  return join(tfjsNode, `lib/napi-v${version}`);
}

/**
 * Builds what is out of date of the binding and, in `folder`, of the operators, with the CUDA kernels of `cuda`
 * (buildCudaArchive); returns whether there was anything to do. `tfjsNode`, `gyp`: of installPackages; `operatorsOnly`
 * leaves the binding as it is.
 */
export function build(library, {tfjsNode, gyp, cuda, folder = buildFolder, operatorsOnly = false}) {
  const stamp = fingerprint(library, cuda, tfjsNode);
  const statePath = join(folder, 'state.json');
  const binding = join(bindingFolder(tfjsNode), 'tfjs_binding.node');
  const operators = join(folder, 'bmojo_ops.node');
  const isCurrent =
    existsSync(statePath) &&
    JSON.parse(readFileSync(statePath, 'utf8')).stamp === stamp &&
    [binding, operators].every(file => existsSync(file));
  if (isCurrent) return false;
  checkTools();
  const headers = nodeHeaders();
  console.log(`building against TensorFlow ${library.version} (${library.origin})`);
  const sources = join(folder, 'source');
  rmSync(statePath, {force: true});
  rmSync(sources, {recursive: true, force: true});
  mkdirSync(sources, {recursive: true});
  cpSync(join(root, 'custom-ops'), join(sources, 'custom-ops'), {
    recursive: true,
    preserveTimestamps: true,
    filter: path => !/\.(ts|md|cu)$/.test(path),
  });
  cpSync(join(tfjsNode, 'binding'), join(sources, 'binding'), {recursive: true, preserveTimestamps: true});
  cpSync(join(root, 'custom-ops/native/tensorflow/binding.gyp'), join(sources, 'binding.gyp'));
  run(
    process.execPath,
    [
      gyp,
      'rebuild',
      '--loglevel=error',
      `--nodedir=${headers}`,
      '-j',
      'max',
      '--',
      ...(operatorsOnly ? ['-Dbinding=no'] : []),
      `-Dtensorflow_include=${library.include}`,
      `-Dtensorflow_lib=${library.lib}`,
      `-Dtensorflow_libraries=${library.libraries.map(name => `-l:${name}`).join(' ')}`,
      ...(cuda === undefined
        ? []
        : [
            `-Dcuda=${cuda.kind}`,
            `-Dcuda_archive=${cuda.archive}`,
            `-Dcuda_include=${cuda.include ?? ''}`,
            `-Dcuda_libraries=${cuda.libraries ?? ''}`,
          ]),
    ],
    {
      cwd: sources,
      what: 'building the native modules',
      remedy: 'the output below says why',
    },
  );
  const release = join(sources, 'build/Release');
  const place = (name, path) => {
    mkdirSync(dirname(path), {recursive: true});
    rmSync(path, {force: true}); // a process that has it loaded keeps the old file
    cpSync(join(release, name), path);
  };
  if (!operatorsOnly) place('tfjs_binding.node', binding);
  place('bmojo_ops.node', operators);
  writeFileSync(statePath, `${JSON.stringify({stamp, library}, null, 2)}\n`);
  return true;
}
