// Which TensorFlow to build against: the one that tfjs-node's own installer brought, where it is there and has what
// operators need, else the one in pip's wheel.
import {existsSync, readdirSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import {SETUP} from './folders.mjs';
import {Problem} from './problem.mjs';
import {wheelLibrary} from './wheel.mjs';

const headers = ['tensorflow/c/ops.h', 'tensorflow/c/kernels.h', 'tensorflow/c/eager/c_api.h'];
/** Tells a CUDA kernel its stream; see native/tensorflow/stream.cc. */
const streamHeader = 'tensorflow/core/framework/op_kernel.h';
const libraries = ['libtensorflow.so.2', 'libtensorflow_framework.so.2'];

/** {library} or {why}: what tfjs-node's installer left, or what about it does not serve. */
function installedLibrary({cuda, tfjsNode}) {
  const folder = join(tfjsNode, 'deps');
  const lib = join(folder, 'lib');
  const include = join(folder, 'include');
  if (!existsSync(folder)) return {why: `it left nothing: there is no ${folder}`};
  if (process.platform !== 'linux') return {why: `it is not used on ${process.platform}`};
  const missing = [
    ...libraries.filter(name => !existsSync(join(lib, name))).map(name => join(lib, name)),
    ...[...headers, ...(cuda ? [streamHeader] : [])]
      .filter(name => !existsSync(join(include, name)))
      .map(name => join(include, name)),
  ];
  const version = versionIn(lib);
  if (missing.length > 0) {
    const need = missing.some(path => path.endsWith(streamHeader))
      ? " (C++ headers, from which CUDA kernels learn TensorFlow's stream)"
      : '';
    return {why: `TensorFlow ${version} is there without ${missing.join(', ')}${need}`};
  }
  return {library: {include, lib, libraries, version, origin: "tfjs-node's installer"}};
}

/** `libtensorflow.so.2.9.1` lies beside its shorter names. */
function versionIn(lib) {
  const names = existsSync(lib) ? readdirSync(lib) : [];
  return names.map(name => /^libtensorflow\.so\.(\d+\.\d+\.\d+)$/.exec(name)?.[1]).find(Boolean) ?? 'unknown';
}

/** libtensorflow with CUDA names the libraries of CUDA that it opens; the one without does not. */
function knowsCuda(library) {
  return library.libraries.some(name => readFileSync(join(library.lib, name)).includes('libcudart.so'));
}

/**
 * {include, lib, libraries, version, origin}. Says what was found and why it was not taken; for `gpu` a library that uses
 * GPUs or a Problem.
 */
export function findLibrary({gpu, cuda, wheel, requirements, tfjsNode}) {
  const {library, why} =
    wheel || requirements !== undefined ? {why: 'a wheel was asked for'} : installedLibrary({cuda, tfjsNode});
  const notTaken = gpu && library !== undefined && !knowsCuda(library) ? 'it has no CUDA' : why;
  if (notTaken === undefined) return library;
  console.log(`the library of tfjs-node's installer is not used: ${notTaken}`);
  try {
    const unpacked = wheelLibrary({gpu, requirements});
    if (gpu && !knowsCuda(unpacked)) throw new Problem(`${unpacked.origin} has no CUDA.`);
    return unpacked;
  } catch (error) {
    if (!gpu || !(error instanceof Problem)) throw error;
    throw new Problem(
      `--gpu needs a TensorFlow with CUDA: ${error.message}\n` +
        `Without it: \`${SETUP} --cuda\` compiles the CUDA kernels into the operators and loads them into the ` +
        `TensorFlow for CPUs, where they stay unused; plain \`${SETUP}\` leaves them out`,
    );
  }
}
