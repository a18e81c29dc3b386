// `bmojo kernels`: every kernel of a backend on this machine against the float64 definition.

import type {CommandModule} from 'yargs';
import type {BackendName} from '../custom-ops/index.js';
import {backendNames, hasKernel, useBackend} from '../custom-ops/index.js';
import {opList, ops} from '../custom-ops/op-list.js';
import {casesOf, deviations} from '../custom-ops/parity.js';
import {onlyOptions} from './command-line.js';

interface KernelArguments {
  readonly backend: BackendName;
  readonly op?: string[];
  readonly json: boolean;
}

const options = {
  backend: {choices: backendNames, default: 'wasm' as const, describe: 'whose kernels'},
  op: {
    type: 'string' as const,
    array: true as const,
    choices: Object.keys(ops),
    describe: 'only these operators',
  },
  json: {type: 'boolean' as const, default: false, describe: 'print one JSON object a line'},
};

export const kernelsCommand: CommandModule<object, KernelArguments> = {
  builder: yargs => yargs.options(options).check(onlyOptions(options)),
  handler: async ({backend, op: only, json}) => {
    await useBackend(backend);
    let failures = 0;
    let cases = 0;
    for (const op of opList.filter(({name}) => only === undefined || only.includes(name))) {
      for (const opCase of casesOf(op, 'test')) {
        const found = await deviations(op, opCase);
        const worst = found.reduce((a, b) => (b.error <= a.error ? a : b));
        const isGood = found.every(({isWithin}) => isWithin);
        cases++;
        if (!isGood) failures++;
        const verdict = isGood ? 'ok' : 'FAILED';
        const form = hasKernel(op) ? 'kernel' : 'composed';
        console.log(
          json
            ? JSON.stringify({op: op.name, case: opCase.name, form, verdict, deviations: found})
            : `${verdict.padEnd(6)} ${op.name.padEnd(17)} ${form.padEnd(8)} ${opCase.name.padEnd(42)} ` +
                `worst ${worst.error.toExponential(1)} (${worst.quantity})`,
        );
      }
    }
    if (!json) console.log(`${cases - failures} cases agree, ${failures} do not, on ${backend}`);
    if (failures > 0) process.exitCode = 1;
  },
};
