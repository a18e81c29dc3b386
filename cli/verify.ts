// bmojo verify DIR: the operators and layers against test vectors, anybody's.

import type {CommandModule} from 'yargs';
import type {BackendName} from '../custom-ops/index.js';
import {backendNames, useBackend} from '../custom-ops/index.js';
import {verifyFiles} from '../eval/verify/verify.js';
import {vectorFiles} from '../experiments/vectors.js';
import {onlyOptions} from './command-line.js';

interface VerifyArguments {
  readonly dir: string;
  readonly backend: BackendName;
  readonly json: boolean;
}

const options = {
  backend: {choices: backendNames, default: 'wasm' as const, describe: 'backend to verify'},
  json: {type: 'boolean' as const, default: false, describe: 'print one JSON object a line'},
};

export const verifyCommand: CommandModule<object, VerifyArguments> = {
  builder: yargs =>
    yargs
      .positional('dir', {
        type: 'string',
        demandOption: true,
        describe: 'folder of .safetensors vector files',
      })
      .options(options)
      .check(onlyOptions(options, 'dir'))
      .example('$0 verify vectors --backend wasm', 'vectors of your own; docs/backends.md tells their form'),
  handler: async ({dir, backend, json}) => {
    const files = vectorFiles(dir);
    await useBackend(backend);
    let passed = 0;
    let failed = 0;
    for await (const row of verifyFiles(files)) {
      if (row.passed) passed++;
      else failed++;
      const verdict = row.passed ? 'ok  ' : 'MISS';
      const figures = `${row.error.toExponential(1)} of ${row.tolerance.toExponential(0)}`;
      const words = `${verdict} ${row.file.padEnd(38)} ${row.quantity.padEnd(20)} ${row.message ?? figures}`;
      console.log(json ? JSON.stringify(row) : words);
    }
    if (!json) console.log(`${passed} within tolerance, ${failed} not (${backend})`);
    if (failed > 0) process.exitCode = 1;
  },
};
