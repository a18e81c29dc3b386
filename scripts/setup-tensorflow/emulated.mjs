// Builds the operators with their CUDA kernels as C++ for the CPU, in place of the CPU's own, into a folder, for tests:
// node scripts/setup-tensorflow/emulated.mjs FOLDER    (after bmojo setup tensorflow)
import {existsSync, mkdirSync, readFileSync} from 'node:fs';
import {join, resolve} from 'node:path';
import {build} from './build.mjs';
import {buildCudaArchive} from './cuda.mjs';
import {buildFolder} from './folders.mjs';
import {installPackages} from './packages.mjs';

const state = join(buildFolder, 'state.json');
if (process.argv[2] === undefined || !existsSync(state)) {
  console.error('usage: node scripts/setup-tensorflow/emulated.mjs FOLDER, after bmojo setup tensorflow');
  process.exit(2);
}
const folder = resolve(process.argv[2]);
mkdirSync(folder, {recursive: true});
const {library} = JSON.parse(readFileSync(state, 'utf8'));
try {
  const cuda = buildCudaArchive({emulated: true, folder: join(folder, 'cuda')});
  build(library, {...installPackages(), cuda, folder, operatorsOnly: true});
} catch (error) {
  console.error(error.message);
  process.exitCode = 1;
}
