// bmojo bench gpu: what the card as a whole does, at sizes that fill it.

import type {CommandModule} from 'yargs';
import type {GpuTiming} from '../bench/gpu.js';
import {benchGpu, gpuParts} from '../bench/gpu.js';
import {webgpuDebug} from '../custom-ops/backends/webgpu/index.js';
import type {Precision} from '../custom-ops/index.js';
import {precisions, useWebGPU} from '../custom-ops/index.js';
import {onlyOptions} from './command-line.js';
import {wordList} from './lists.js';
import {wordsOption} from './number-options.js';

/** Prints what a GPU's timings are, after the name of the device. */
export async function printGpuTimings(timings: AsyncIterable<GpuTiming>, json: boolean): Promise<void> {
  const device = await useWebGPU();
  if (!json) console.log(`device ${device.name}`);
  for await (const timing of timings) {
    const text = `${timing.name.padEnd(66)} ${timing.ms.toFixed(3).padStart(10)} ms  ${timing.rate}`;
    console.log(json ? JSON.stringify({...timing, device: device.name}) : text);
  }
}

const gpuOptions = {
  precision: {
    choices: precisions,
    default: 'float32' as const,
    describe: 'how the products of linear, ssdScan and the attention are computed',
  },
  'matrix-units': {
    type: 'boolean' as const,
    default: true,
    describe:
      'multiply in float16 on the matrix units of the device; --no-matrix-units as devices do that have none',
  },
  only: wordsOption(
    `what is measured: ${gpuParts.join(', ')}, separated by commas; all of it by default`,
    gpuParts,
  ),
  json: {type: 'boolean' as const, default: false, describe: 'print one JSON object a line'},
};

interface GpuArguments {
  readonly json: boolean;
  readonly precision: Precision;
  readonly 'matrix-units': boolean;
  readonly only?: string;
}

export const benchGpuCommand: CommandModule<object, GpuArguments> = {
  builder: yargs => yargs.options(gpuOptions).check(onlyOptions(gpuOptions)),
  handler: ({json, precision, 'matrix-units': matrixUnits, only}) => {
    if (!matrixUnits) webgpuDebug.limits = {matrixUnits: undefined};
    const parts = only === undefined ? gpuParts : wordList('only', only, gpuParts);
    return printGpuTimings(benchGpu({precision, only: parts}), json);
  },
};
