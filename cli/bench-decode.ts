// bmojo bench decode: the cost of one more token at growing positions, as a table and two plots.

import {mkdirSync, writeFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import type {DecodeTiming} from '../bench/decode.js';
import {benchDecode, decodeMemoryPlot, decodeTimePlot} from '../bench/decode.js';
import {SettingError} from '../config/schema.js';
import type {BackendName} from '../custom-ops/index.js';
import {backendNames, useBackend} from '../custom-ops/index.js';
import {textTable} from '../eval/table.js';
import type {WeightDType} from '../formats/weight-dtype.js';
import {weightDTypes} from '../formats/weight-dtype.js';
import type {ModelConfig, PresetName} from '../models/config.js';
import {modelSchema, parseModelConfig} from '../models/config.js';
import type {SizeName} from '../models/sizes.js';
import {sizeModel, sizeNames} from '../models/sizes.js';
import {linePlot} from '../plot/line-plot.js';
import {asOption, onlyOptions} from './command-line.js';
import {numberList} from './lists.js';
import {wholeOption, wholesOption} from './number-options.js';

interface BenchDecodeArguments {
  readonly backend: BackendName;
  readonly positions: string;
  readonly dModel?: number;
  readonly layers?: number;
  readonly window?: number;
  readonly eideticSlots?: number;
  readonly limit: number;
  readonly out: string;
  readonly size?: SizeName;
  readonly dtype: WeightDType;
  readonly json?: boolean;
}

/** Ids of Mamba's tokenizer, padded as there. */
const VOCABULARY = 50_280;

/** The model of a kind: of a named size, or of these settings. */
function modelOf(
  size: SizeName | undefined,
  {window, eideticSlots, ...shared}: Partial<ModelConfig>,
): (preset: PresetName) => Partial<ModelConfig> {
  return preset => {
    if (size !== undefined) return {...sizeModel(size, preset), vocabSize: VOCABULARY};
    const memories = preset === 'transformer' ? {} : preset === 'bmojo' ? {window, eideticSlots} : {window};
    return {...shared, ...memories, preset};
  };
}

/** Settings of models with this command's defaults, which a named size takes the place of. */
const defaults = {dModel: 128, layers: 4, window: 32, eideticSlots: 32} as const;

function modelOption(key: keyof typeof defaults) {
  const {why, min, max} = modelSchema[key];
  return wholeOption(`${why}; ${defaults[key]} unless given`, min, max);
}

/** Errors: SettingError beside a named size, which has settings of its own. */
function givenModel(args: BenchDecodeArguments): {readonly [K in keyof typeof defaults]: number} {
  const keys = Object.keys(defaults) as (keyof typeof defaults)[];
  const beside = keys.find(key => args[key] !== undefined);
  if (args.size !== undefined && beside !== undefined)
    throw new SettingError(
      `${asOption(beside)}: --size ${args.size} has a setting of its own; leave one of them away`,
    );
  const {
    dModel = defaults.dModel,
    layers = defaults.layers,
    window = defaults.window,
    eideticSlots = defaults.eideticSlots,
  } = args;
  return {dModel, layers, window, eideticSlots};
}

const options = {
  backend: {choices: backendNames, default: 'wasm' as const, describe: 'where tensors are computed'},
  positions: {
    ...wholesOption('tokens before those that are timed, separated by commas'),
    default: '100,300,1000,3000,10000,30000,100000',
  },
  'd-model': modelOption('dModel'),
  layers: modelOption('layers'),
  window: modelOption('window'),
  'eidetic-slots': modelOption('eideticSlots'),
  size: {
    choices: sizeNames,
    describe: `the model of a named size instead, as language models have it, with a vocabulary of ${VOCABULARY}`,
  },
  dtype: {
    choices: weightDTypes,
    default: 'float32' as const,
    describe: 'how the weights lie in memory',
  },
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
  handler: async args => {
    const {backend, positions, size, dtype, limit, out, json} = args;
    const model = {vocabSize: 256, heads: 4, mlp: true, ...givenModel(args)};
    parseModelConfig(model);
    await useBackend(backend);
    const timings: DecodeTiming[] = [];
    for await (const timing of benchDecode({
      model: modelOf(size, model),
      presets: ['bmojo', 'bmojo-f', 'mamba', 'transformer'],
      positions: numberList('positions', positions).sort((a, b) => a - b),
      fullAttentionLimit: limit,
      tokens: 25,
      dtype,
    })) {
      timings.push(timing);
      console.error(`${timing.preset} at ${timing.position}: ${timing.msPerToken.toFixed(2)} ms a token`);
    }
    const found = {backend, dtype, ...(size === undefined ? {model} : {size}), timings};
    mkdirSync(out, {recursive: true});
    writeFileSync(join(out, 'decode.json'), `${JSON.stringify(found, null, 2)}\n`);
    writeFileSync(join(out, 'time.svg'), linePlot(decodeTimePlot(timings)));
    writeFileSync(join(out, 'memory.svg'), linePlot(decodeMemoryPlot(timings)));
    if (json === true) {
      console.log(JSON.stringify(found, null, 2));
      return;
    }
    const rows = timings.map(({preset, position, msPerToken, stateBytes, weightBytes}) => [
      preset,
      position,
      msPerToken.toFixed(2),
      (1000 / msPerToken).toFixed(0),
      stateBytes,
      (weightBytes / msPerToken / 1e6).toFixed(1),
    ]);
    console.log(
      textTable([['model', 'position', 'ms a token', 'tokens/s', 'state bytes', 'weights, GB/s'], ...rows]),
    );
    console.log(
      `\nwritten: ${join(out, 'decode.json')}, ${join(out, 'time.svg')}, ${join(out, 'memory.svg')}`,
    );
  },
};
