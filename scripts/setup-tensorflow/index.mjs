// What `bmojo setup tensorflow` (cli/setup.ts) runs: ends with a working `tensorflow` backend.
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {build} from './build.mjs';
import {buildCudaArchive, findToolkit} from './cuda.mjs';
import {root} from './folders.mjs';
import {findLibrary} from './library.mjs';
import {installPackages} from './packages.mjs';
import {Problem} from './problem.mjs';
import {run} from './run.mjs';

function main() {
  const {values} = parseArgs({
    options: {
      gpu: {type: 'boolean', default: false},
      cuda: {type: 'boolean', default: false},
      wheel: {type: 'boolean', default: false},
      requirements: {type: 'string'},
    },
  });
  const started = Date.now();
  const wantsCuda = values.gpu || values.cuda;
  if (wantsCuda) findToolkit(); // before anything large is downloaded
  const packages = installPackages();
  const library = findLibrary({...values, cuda: wantsCuda, ...packages});
  const cuda = wantsCuda ? buildCudaArchive() : undefined;
  if (!build(library, {...packages, cuda})) console.log('the native modules are up to date');
  const said = run(process.execPath, [join(root, 'scripts/setup-tensorflow/self-check.mjs')], {
    cwd: root,
    what: 'the self-check',
    remedy: 'please report this with the output below',
  });
  process.stdout.write(said);
  console.log(
    `the tensorflow backend is ready (${((Date.now() - started) / 1000).toFixed(1)} s): --backend tensorflow`,
  );
}

try {
  main();
} catch (error) {
  console.error(`bmojo: ${error instanceof Problem ? error.message : error.stack}`);
  process.exitCode = 1;
}
