// npm run setup:tensorflow: one command that ends with a working `tensorflow` backend.
import {existsSync} from 'node:fs';
import {join} from 'node:path';
import {parseArgs} from 'node:util';
import {build} from './build.mjs';
import {buildCudaArchive, findToolkit} from './cuda.mjs';
import {root, tfjsNode} from './folders.mjs';
import {findLibrary} from './library.mjs';
import {Problem} from './problem.mjs';
import {run} from './run.mjs';

const HELP = `npm run setup:tensorflow [-- --gpu] [-- --cuda] [-- --wheel]

Builds the tensorflow backend: tfjs-node's binding and bmojo's operators in C++, compiled for this processor.
Libraries and headers: those of tfjs-node's own installer if they are there, else those in pip's wheel of TensorFlow,
kept in the user's cache folder. A second run has nothing to do and says so.

  --gpu    TensorFlow's build with CUDA and the libraries of CUDA that it opens (gigabytes), and our CUDA kernels,
           compiled with nvcc (CUDA toolkit 12.8 or later) for cards of compute capability 8.0 to 12.0 and, as PTX, later
  --cuda   our CUDA kernels with the TensorFlow that would be taken otherwise; without a GPU they stay unused
  --wheel  take pip's wheel even where tfjs-node's own library is there
  --help   this text`;

/** tfjs-node-gpu's own install script fails without its download server, and npm then removes the package again. */
function ensureTfjsNode() {
  if (existsSync(join(tfjsNode, 'binding'))) return;
  console.log('installing @tensorflow/tfjs-node-gpu, without its install script');
  run('npm', ['install', '--no-save', '--ignore-scripts', '--include=optional', '--no-audit', '--no-fund'], {
    cwd: root,
    what: 'installing @tensorflow/tfjs-node-gpu',
    remedy: 'check the network and run this again',
  });
  if (!existsSync(join(tfjsNode, 'binding'))) {
    throw new Problem(
      'npm did not install @tensorflow/tfjs-node-gpu; run `npm install --ignore-scripts` and look',
    );
  }
}

async function main() {
  const {values} = parseArgs({
    options: {
      gpu: {type: 'boolean', default: false},
      cuda: {type: 'boolean', default: false},
      wheel: {type: 'boolean', default: false},
      help: {type: 'boolean'},
    },
  });
  if (values.help) return console.log(HELP);
  const started = Date.now();
  ensureTfjsNode();
  const {gpu, wheel} = values;
  const wantsCuda = gpu || values.cuda;
  if (wantsCuda) findToolkit(); // before anything large is downloaded
  const library = await findLibrary({gpu, wheel, cuda: wantsCuda});
  const cuda = wantsCuda ? buildCudaArchive() : undefined;
  if (!build(library, {cuda})) console.log('the native modules are up to date');
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

main().catch(error => {
  console.error(`setup:tensorflow: ${error instanceof Problem ? error.message : error.stack}`);
  process.exitCode = 1;
});
