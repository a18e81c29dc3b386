// bmojo bench: what is measured, one command each.

import type {CommandModule} from 'yargs';
import {NEEDS_COMMAND} from './command-line.js';
import {lazy} from './lazy.js';

export const benchCommand: CommandModule = {
  builder: yargs =>
    yargs
      .command(
        lazy(
          'ops',
          'time every operator: kernel, composed form and JavaScript kernel, side by side',
          async () => (await import('./bench-ops.js')).benchOpsCommand,
        ),
      )
      .command(
        lazy(
          'gpu',
          'the part of `bench ops --backend webgpu` about the GPU as a whole: large sizes, cost of issuing',
          async () => (await import('./bench-gpu.js')).benchGpuCommand,
        ),
      )
      .command(
        lazy(
          'decode',
          "time and memory of one more token far into a text: B'MOJO, B'MOJO-F and Mamba beside a Transformer",
          async () => (await import('./bench-decode.js')).benchDecodeCommand,
        ),
      )
      .command(
        lazy(
          'memory',
          'append to stores of memory and search them, as they grow, beside the time of reading their bytes',
          async () => (await import('./bench-memory.js')).benchMemoryCommand,
        ),
      )
      .command(
        lazy(
          'memory-recall',
          "what an index finds of what exact search finds, for a trained model's own queries",
          async () => (await import('./bench-memory-recall.js')).benchMemoryRecallCommand,
        ),
      )
      .command(
        lazy(
          'step <task>',
          'time a training step on WebGPU, kernel by kernel; takes the options of train',
          async () => (await import('./bench-step.js')).benchStepCommand,
        ),
      )
      .demandCommand(1, NEEDS_COMMAND),
  handler: () => {},
};
