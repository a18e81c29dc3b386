// The packages that the backend is built from and with, by a lock file of their own: nobody who does not set it up has them.
import {cpSync, existsSync, mkdirSync, readFileSync} from 'node:fs';
import {createRequire} from 'node:module';
import {join} from 'node:path';
import {buildFolder, root, tfjsNodeFolder} from './folders.mjs';
import {Problem} from './problem.mjs';
import {run} from './run.mjs';

const LOCK = 'package-lock.json';
const own = join(root, 'scripts/setup-tensorflow');

/**
 * Installs them into the build folder, unless an earlier run did, and runs no script of theirs: tfjs-node's would look for
 * binaries on its server. Returns the folder of tfjs-node and node-gyp's program.
 */
export function installPackages() {
  const installed = join(buildFolder, 'node_modules', `.${LOCK}`);
  const isCurrent =
    existsSync(installed) &&
    existsSync(join(buildFolder, LOCK)) &&
    readFileSync(join(buildFolder, LOCK)).equals(readFileSync(join(own, LOCK)));
  if (!isCurrent) {
    console.log('installing @tensorflow/tfjs-node-gpu and node-gyp, without their install scripts');
    mkdirSync(buildFolder, {recursive: true});
    for (const name of ['package.json', 'tfjs', LOCK])
      cpSync(join(own, name), join(buildFolder, name), {recursive: true});
    run('npm', ['ci', '--prefix', buildFolder, '--ignore-scripts', '--no-audit', '--no-fund'], {
      cwd: buildFolder,
      what: 'installing @tensorflow/tfjs-node-gpu and node-gyp',
      remedy: 'check the network and run this again',
    });
  }
  const tfjsNode = tfjsNodeFolder();
  if (tfjsNode === undefined || !existsSync(join(tfjsNode, 'binding')))
    throw new Problem(
      `npm did not install @tensorflow/tfjs-node-gpu; remove ${buildFolder} and run this again`,
    );
  const {resolve} = createRequire(join(buildFolder, 'package.json'));
  return {tfjsNode, gyp: join(resolve('node-gyp/package.json'), '../bin/node-gyp.js')};
}
