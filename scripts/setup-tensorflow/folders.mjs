// Where things go: what is built into the cache folder of node_modules, what is downloaded into the user's cache folder.
import {homedir} from 'node:os';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';
import * as built from '../../dist/custom-ops/backends/tensorflow/build-folder.js';

export const root = join(dirname(fileURLToPath(import.meta.url)), '../..');
export const buildFolder = built.buildFolder();
export const {SETUP, tfjsNodeFolder} = built;

const caches =
  process.platform === 'darwin'
    ? join(homedir(), 'Library/Caches')
    : process.platform === 'win32'
      ? (process.env.LOCALAPPDATA ?? join(homedir(), 'AppData/Local'))
      : process.env.XDG_CACHE_HOME || join(homedir(), '.cache');
export const cacheFolder = join(caches, 'bmojo');
