// bmojo bench: what is measured, one command each.

import type {CommandModule} from 'yargs';
import {benchDecodeCommand} from './bench-decode.js';
import {benchGpuCommand} from './bench-gpu.js';
import {benchOpsCommand} from './bench-ops.js';
import {benchStepCommand} from './bench-step.js';
import {NEEDS_COMMAND} from './command-line.js';

export const benchCommand: CommandModule = {
  command: 'bench <what>',
  describe: 'measure speed on this machine',
  builder: yargs =>
    yargs
      .command(benchOpsCommand)
      .command(benchGpuCommand)
      .command(benchDecodeCommand)
      .command(benchStepCommand)
      .demandCommand(1, NEEDS_COMMAND),
  handler: () => {},
};
