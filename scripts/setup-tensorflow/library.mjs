// Which TensorFlow to build against: the one that tfjs-node's own installer brought, where it is there and has what
// operators need, else the one in pip's wheel.
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {tfjsNode} from './folders.mjs';
import {wheelLibrary} from './wheel.mjs';

const headers = ['tensorflow/c/ops.h', 'tensorflow/c/kernels.h', 'tensorflow/c/eager/c_api.h'];

function installedLibrary() {
  const lib = join(tfjsNode, 'deps/lib');
  const include = join(tfjsNode, 'deps/include');
  const libraries = ['libtensorflow.so.2', 'libtensorflow_framework.so.2'];
  const isThere =
    process.platform === 'linux' &&
    libraries.every(name => existsSync(join(lib, name))) &&
    headers.every(name => existsSync(join(include, name)));
  return isThere
    ? {include, lib, libraries, version: 'of tfjs-node', origin: "tfjs-node's installer"}
    : undefined;
}

/** {include, lib, libraries, version, origin} */
export async function findLibrary(options) {
  const installed = installedLibrary();
  if (installed !== undefined && !options.gpu && !options.wheel) return installed;
  return wheelLibrary(options);
}
