// `bmojo setup`: what a backend needs beyond this package.

import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';
import type {Argv, CommandModule} from 'yargs';
import {NEEDS_COMMAND, onlyOptions} from './command-line.js';

type Args = Record<string, unknown>;

const script = fileURLToPath(new URL('../../scripts/setup-tensorflow/index.mjs', import.meta.url));

const options = {
  gpu: {
    type: 'boolean' as const,
    describe:
      'a TensorFlow with CUDA (on x64 gigabytes to download) and our CUDA kernels, compiled with nvcc (CUDA toolkit 12.8 or later) ' +
      'for cards of compute capability 8.0 to 12.0 and, as PTX, later',
  },
  cuda: {
    type: 'boolean' as const,
    describe: 'our CUDA kernels with the TensorFlow that is taken otherwise; without a GPU they stay unused',
  },
  wheel: {
    type: 'boolean' as const,
    describe: "take pip's wheel even where the library of tfjs-node's own installer is there",
  },
  requirements: {
    type: 'string' as const,
    describe:
      "file for pip that names TensorFlow's wheels with their digests (pip-compile --generate-hashes), in place of those that " +
      'are pinned: for CPUs on x64 and arm64, with CUDA on x64',
  },
};

/** Options as the words that the script takes. */
function wordsOf(argv: Args): string[] {
  const flags = ['gpu', 'cuda', 'wheel'].filter(name => argv[name] === true).map(name => `--${name}`);
  return typeof argv.requirements === 'string' ? [...flags, '--requirements', argv.requirements] : flags;
}

const tensorflowCommand: CommandModule<object, Args> = {
  command: 'tensorflow',
  describe:
    'build the backend tensorflow: tfjs-node and the operators in C++, compiled for this processor; again, nothing is left to do',
  builder: (yargs: Argv<object>) =>
    yargs
      .options(options)
      .check(onlyOptions(options))
      .epilogue(
        'Needs Python 3 with pip, make and a C++ compiler. Nothing is downloaded whose digest is not known, no install script ' +
          'is run, and the project stays as it is: packages go to node_modules/.cache, wheels to the cache folder of the user.',
      )
      .example('$0 setup tensorflow', 'then --backend tensorflow') as Argv<Args>,
  handler: argv =>
    new Promise((resolve, reject) => {
      const child = spawn(process.execPath, [script, ...wordsOf(argv)], {stdio: 'inherit'});
      child.on('error', reject);
      child.on('close', code => {
        process.exitCode = code ?? 1;
        resolve();
      });
    }),
};

export const setupCommand: CommandModule<object, Args> = {
  builder: yargs => yargs.command(tensorflowCommand).demandCommand(1, NEEDS_COMMAND) as Argv<Args>,
  handler: () => {},
};
