// Where Node's headers are, so that node-gyp need not download them.
import {existsSync, readFileSync, realpathSync} from 'node:fs';
import {dirname, join} from 'node:path';

function versionAt(folder) {
  const path = join(folder, 'include/node/node_version.h');
  if (!existsSync(path)) return undefined;
  const text = readFileSync(path, 'utf8');
  return ['MAJOR', 'MINOR', 'PATCH']
    .map(part => new RegExp(`#define NODE_${part}_VERSION (\\d+)`).exec(text)?.[1])
    .join('.');
}

/**
 * The folder to give node-gyp as nodedir: the one that this Node was installed into, or, for a Node of npm's package
 * `node`, the package with the binary; else what npm is configured to; else undefined, and node-gyp downloads headers.
 */
export function nodeHeaders() {
  const installed = dirname(dirname(realpathSync(process.execPath)));
  const binaries = join(installed, `node_modules/node-${process.platform}-${process.arch}`);
  const own = [installed, binaries].find(folder => versionAt(folder) === process.versions.node);
  return own ?? process.env.npm_config_nodedir;
}
