// bmojo bench decode: the cost of one more token at growing positions, as a table and two plots.

import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import type {DecodeTiming} from '../bench/decode.js';
import {benchDecode, decodeMemoryPlot, decodeTimePlot} from '../bench/decode.js';
import type {BackendName} from '../custom-ops/index.js';
import {backendNames, useBackend} from '../custom-ops/index.js';
import {textTable} from '../eval/table.js';
import {modelSchema, parseModelConfig} from '../models/config.js';
import {linePlot} from '../plot/line-plot.js';
import {onlyOptions} from './command-line.js';
import {numberList} from './lists.js';
import {wholeOption, wholesOption} from './number-options.js';

interface BenchDecodeArguments {
  readonly backend: BackendName;
  readonly positions: string;
  readonly dModel: number;
  readonly layers: number;
  readonly window: number;
  readonly eideticSlots: number;
  readonly limit: number;
  readonly out: string;
  readonly json?: boolean;
}

/** A setting of models with a default of this command's. */
function modelOption(key: 'dModel' | 'layers' | 'window' | 'eideticSlots', value: number) {
  const {why, min, max} = modelSchema[key];
  return {...wholeOption(why, min, max), default: value};
}

const options = {
  backend: {choices: backendNames, default: 'wasm' as const, describe: 'where tensors are computed'},
  positions: {
    ...wholesOption('tokens before those that are timed, separated by commas'),
    default: '100,300,1000,3000,10000,30000,100000',
  },
  'd-model': modelOption('dModel', 128),
  layers: modelOption('layers', 4),
  window: modelOption('window', 32),
  'eidetic-slots': modelOption('eideticSlots', 32),
  limit: {...wholeOption('last position at which the Transformer is timed', 0), default: 10_000},
  out: {
    type: 'string' as const,
    default: join('runs', 'decode'),
    describe: 'folder for decode.json and the plots',
    writes: 'folder' as const,
  },
  json: {type: 'boolean' as const, describe: 'print JSON'},
};

export const benchDecodeCommand: CommandModule<object, BenchDecodeArguments> = {
  builder: yargs =>
    yargs.options(options).check(onlyOptions(options)) as unknown as Argv<BenchDecodeArguments>,
  handler: async ({backend, positions, dModel, layers, window, eideticSlots, limit, out, json}) => {
    const model = {vocabSize: 256, dModel, layers, heads: 4, mlp: true, window, eideticSlots};
    parseModelConfig(model);
    await useBackend(backend);
    const timings: DecodeTiming[] = [];
    for await (const timing of benchDecode({
      model,
      presets: ['bmojo', 'bmojo-f', 'mamba', 'transformer'],
      positions: numberList('positions', positions).sort((a, b) => a - b),
      fullAttentionLimit: limit,
      tokens: 25,
    })) {
      timings.push(timing);
      console.error(`${timing.preset} at ${timing.position}: ${timing.msPerToken.toFixed(2)} ms a token`);
    }
    mkdirSync(out, {recursive: true});
    writeFileSync(join(out, 'decode.json'), `${JSON.stringify({backend, model, timings}, null, 2)}\n`);
    writeFileSync(join(out, 'time.svg'), linePlot(decodeTimePlot(timings)));
    writeFileSync(join(out, 'memory.svg'), linePlot(decodeMemoryPlot(timings)));
    if (json === true) {
      console.log(JSON.stringify({backend, model, timings}, null, 2));
      return;
    }
    const rows = timings.map(({preset, position, msPerToken, stateBytes}) => [
      preset,
      position,
      msPerToken.toFixed(2),
      (1000 / msPerToken).toFixed(0),
      stateBytes,
    ]);
    console.log(textTable([['model', 'position', 'ms a token', 'tokens/s', 'state bytes'], ...rows]));
    console.log(
      `\nwritten: ${join(out, 'decode.json')}, ${join(out, 'time.svg')}, ${join(out, 'memory.svg')}`,
    );
  },
};
