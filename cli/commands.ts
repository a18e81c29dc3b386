// Every command by name and line of help, in the order in which `bmojo --help` lists them.

import type {Argv} from 'yargs';
import {lazy} from './lazy.js';

export function addCommands(yargs: Argv): Argv {
  return yargs
    .command(
      lazy(
        'quickstart',
        "train B'MOJO and a window-only model on recall and compare them, in about five minutes",
        async () => (await import('./quickstart.js')).quickstartCommand,
      ),
    )
    .command(
      lazy(
        'data <what>',
        'make, check and list data for language models',
        async () => (await import('./data.js')).dataCommand,
      ),
    )
    .command(
      lazy('train <task>', 'train a model on a task', async () => (await import('./train.js')).trainCommand),
    )
    .command(
      lazy(
        'generate',
        'write text with a trained language model',
        async () => (await import('./generate.js')).generateCommand,
      ),
    )
    .command(
      lazy('eval <what>', 'measure a trained model', async () => (await import('./eval.js')).evalCommand),
    )
    .command(
      lazy(
        'compare <task>',
        'train several models on the same data and report them side by side',
        async () => (await import('./compare.js')).compareCommand,
      ),
    )
    .command(
      lazy(
        'reproduce <experiment>',
        "run a figure or table of the paper again, and say what came out beside the paper's claim",
        async () => (await import('./reproduce.js')).reproduceCommand,
      ),
    )
    .command(
      lazy(
        'model <what>',
        'what a model is and takes; a model as one folder that travels',
        async () => (await import('./model.js')).modelCommand,
      ),
    )
    .command(
      lazy(
        'graft <model>',
        'fading and eidetic memory for attention layers of a trained model, to be fine-tuned',
        async () => (await import('./graft.js')).graftCommand,
      ),
    )
    .command(
      lazy(
        'memory <what>',
        'memory in storage: what it holds, what it finds, forget, export, import',
        async () => (await import('./memory.js')).memoryCommand,
      ),
    )
    .command(
      lazy(
        'runs [folder]',
        'list runs with settings and results: filter, sort, export as CSV',
        async () => (await import('./runs.js')).runsCommand,
      ),
    )
    .command(
      lazy(
        'verify <dir>',
        'compare operators and layers with a folder of test vectors; exits 1 when one misses its tolerance',
        async () => (await import('./verify.js')).verifyCommand,
      ),
    )
    .command(
      lazy(
        'kernels',
        'compare every kernel of a backend with the float64 definitions; fails when one is off',
        async () => (await import('./kernels.js')).kernelsCommand,
      ),
    )
    .command(
      lazy(
        'bench <what>',
        'measure speed on this machine',
        async () => (await import('./bench.js')).benchCommand,
      ),
    )
    .command(
      lazy(
        'bench-tensorflow',
        'time the tensorflow backend beside wasm and PyTorch on the same cores',
        async () => (await import('./bench-tensorflow.js')).benchTensorFlowCommand,
      ),
    )
    .command(
      lazy(
        'setup <what>',
        'build a backend that needs more than this package: setup tensorflow',
        async () => (await import('./setup.js')).setupCommand,
      ),
    )
    .command(
      lazy(
        'doctor',
        'say which backends work on this machine, why others do not, and what to do',
        async () => (await import('./doctor.js')).doctorCommand,
      ),
    );
}
