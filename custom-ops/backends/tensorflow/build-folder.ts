// Where what is made for the tensorflow backend lies. Node alone.

import {createRequire} from 'node:module';
import {dirname, join} from 'node:path';

const TFJS_NODE = '@tensorflow/tfjs-node-gpu';
/** The command that builds what is missing. */
export const SETUP = 'npx bmojo setup tensorflow';

const require = createRequire(import.meta.url);

/**
 * The folder that `bmojo setup tensorflow` builds into: in the cache folder of the node_modules that holds bmojo's
 * TensorFlow.js, from which tfjs-node finds that one copy. Errors: Error where there is no such folder, as in one bundled file.
 */
export function buildFolder(): string {
  let tfjs: string;
  try {
    tfjs = require.resolve('@tensorflow/tfjs/package.json');
  } catch {
    throw new Error(
      'bmojo: the tensorflow backend needs the package @tensorflow/tfjs, which is not installed here',
    );
  }
  return join(dirname(tfjs), '../../.cache/bmojo/tensorflow');
}

/**
 * tfjs-node's folder: the project's own where it has one, so that there are never two, else what the setup installed.
 * Undefined where there is neither.
 */
export function tfjsNodeFolder(): string | undefined {
  for (const from of [require, createRequire(join(buildFolder(), 'package.json'))]) {
    try {
      return dirname(from.resolve(`${TFJS_NODE}/package.json`));
    } catch {}
  }
  return undefined;
}
