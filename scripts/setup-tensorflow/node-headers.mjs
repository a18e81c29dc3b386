// Where Node's headers are; node-gyp is never left to download some.
import {existsSync, readFileSync, realpathSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {Problem} from './problem.mjs';

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
 * `node`, the package with the binary; else what npm is configured to. Errors: Problem where there are none.
 */
export function nodeHeaders() {
  const installed = dirname(dirname(realpathSync(process.execPath)));
  const binaries = join(installed, `node_modules/node-${process.platform}-${process.arch}`);
  const own = [installed, binaries].find(folder => versionAt(folder) === process.versions.node);
  const found = own ?? process.env.npm_config_nodedir;
  if (found === undefined || !existsSync(join(found, 'include/node/node_api.h')))
    throw new Problem(
      `the headers of Node are not at ${found ?? installed}/include/node; install a Node that brings them, or say where ` +
        'they are, any version >= 18 serves: npm_config_nodedir=FOLDER, with FOLDER/include/node/node_api.h',
    );
  return found;
}
