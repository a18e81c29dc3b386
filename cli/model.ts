// `bmojo model`: what a model is and takes, without making it.

import type {Argv, CommandModule} from 'yargs';
import type {Cell} from '../eval/table.js';
import {textTable} from '../eval/table.js';
import {modelSchema, parseModelConfig} from '../models/config.js';
import {footprint} from '../models/footprint.js';
import {parameterShapes, withParameters} from '../models/parameters.js';
import type {SizeName} from '../models/sizes.js';
import {sizeField, sizeModel, sizeNames} from '../models/sizes.js';
import {givenSettings, NEEDS_COMMAND, onlyOptions, schemaOptions, wholeNumber} from './command-line.js';

type Args = Record<string, unknown>;

const options = {
  model: {
    type: 'string' as const,
    choices: modelSchema.preset.choices,
    default: modelSchema.preset.default,
    describe: modelSchema.preset.why,
  },
  size: {type: 'string' as const, choices: sizeNames, describe: sizeField.why},
  ...schemaOptions(modelSchema, 'Model', ['preset', 'seed']),
  parameters: {
    type: 'number' as const,
    describe: 'choose the width of the SwiGLU blocks so that the model has about so many parameters',
  },
  context: {type: 'number' as const, default: 2048, describe: 'tokens L of a sample'},
  batch: {type: 'number' as const, default: 1, describe: 'samples whose activations live at the same time'},
  shapes: {type: 'boolean' as const, describe: 'list every parameter'},
  json: {type: 'boolean' as const, describe: 'print JSON'},
};

/** `12345678` as `12.3 MB`. */
export function byteWords(bytes: number): string {
  if (!Number.isFinite(bytes)) return 'grows with every token';
  const units = ['bytes', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  for (; value >= 1000 && unit < units.length - 1; unit++) value /= 1000;
  return `${unit === 0 ? value : value.toPrecision(3)} ${units[unit]}`;
}

function execute(argv: Args): void {
  const preset = modelSchema.preset.choices.find(name => name === argv.model) ?? 'bmojo';
  const size = sizeNames.find((name): name is SizeName => name === argv.size);
  const sized = size === undefined ? {} : {vocabSize: 50_280, ...sizeModel(size, preset)};
  const plain = parseModelConfig({...sized, ...givenSettings(modelSchema, argv), preset});
  const config =
    argv.parameters === undefined ? plain : withParameters(plain, wholeNumber(argv, 'parameters'));
  const [context, batch] = [wholeNumber(argv, 'context'), wholeNumber(argv, 'batch')];
  const whole = footprint(config, {context, batch});
  const recomputed = footprint(config, {context, batch, recompute: true});
  if (argv.json === true) {
    const activationsRecomputed = recomputed.activations;
    console.log(JSON.stringify({config, context, batch, ...whole, activationsRecomputed}, null, 2));
    return;
  }
  const {dModel, layers, heads, window, mlp, eideticSlots, vocabSize} = config;
  console.log(
    `${preset}${size === undefined ? '' : ` ${size}`}: ${layers} layers, D ${dModel}, ${heads} heads, ` +
      `window ${window === 0 ? 'all' : window}, ${eideticSlots} eidetic slots, ${mlp ? 'with' : 'without'} MLP, V ${vocabSize}\n`,
  );
  const training = whole.weights + whole.gradients + whole.optimizer;
  const rows: Cell[][] = [
    ['what', 'size'],
    ['parameters', whole.parameters.toLocaleString('en-US')],
    ['weights', byteWords(whole.weights)],
    ['gradients', byteWords(whole.gradients)],
    ['optimizer', byteWords(whole.optimizer)],
    [`activations, ${batch} x ${context} tokens`, byteWords(whole.activations)],
    ['activations with --recompute', byteWords(recomputed.activations)],
    ['training in all, gradients of activations included', byteWords(training + 2 * whole.activations)],
    ['the same with --recompute', byteWords(training + 2 * recomputed.activations)],
    [`state of one sequence after ${context} tokens`, byteWords(whole.state)],
    ['state at most', byteWords(whole.stateLimit)],
  ];
  console.log(textTable(rows));
  if (argv.shapes !== true) return;
  const shapes = parameterShapes(config).map(({name, shape}) => [name, shape.join(' x ')]);
  console.log(`\n${textTable([['parameter', 'shape'], ...shapes])}`);
}

const infoCommand: CommandModule<object, Args> = {
  command: 'info',
  describe: 'parameters and bytes of a model, computed without allocating them',
  builder: (yargs: Argv<object>) =>
    yargs
      .options(options)
      .check(onlyOptions(options))
      .example(
        '$0 model info --model bmojo --size 130m --context 2048 --batch 8',
        'does it fit?',
      ) as Argv<Args>,
  handler: execute,
};

export const modelCommand: CommandModule<object, Args> = {
  command: 'model <what>',
  describe: 'what a model is and takes, without making it',
  builder: yargs => yargs.command(infoCommand).demandCommand(1, NEEDS_COMMAND) as Argv<Args>,
  handler: () => {},
};
