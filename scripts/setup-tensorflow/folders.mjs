// Where things go: what is built into the cache folder of node_modules, what is downloaded into the user's cache folder.
import {homedir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const nodeModules = join(root, 'node_modules');
export const tfjsNode = join(nodeModules, '@tensorflow/tfjs-node-gpu');
/** Read by custom-ops/backends/tensorflow/addon.ts. */
export const buildFolder = join(nodeModules, '.cache/bmojo/tensorflow');

const caches =
  process.platform === 'darwin'
    ? join(homedir(), 'Library/Caches')
    : process.platform === 'win32'
      ? (process.env.LOCALAPPDATA ?? join(homedir(), 'AppData/Local'))
      : process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
export const cacheFolder = join(caches, 'bmojo');
