// `bmojo model`: what a model is and takes, without making it.

import type {Argv, CommandModule} from 'yargs';
import {SettingError} from '../config/schema.js';
import type {Cell} from '../eval/table.js';
import {textTable} from '../eval/table.js';
import type {StoredWeights} from '../experiments/pretrained.js';
import {isPretrainedFolder, storedInPretrained} from '../experiments/pretrained.js';
import {openTrained} from '../experiments/trained.js';
import type {ModelConfig} from '../models/config.js';
import {modelSchema, parseModelConfig, presetNames} from '../models/config.js';
import {modelInFolder} from '../models/folder-on-disk.js';
import {footprint} from '../models/footprint.js';
import type {ModelCard} from '../models/model-folder/index.js';
import {readCard} from '../models/model-folder/index.js';
import {parameterShapes, withParameters} from '../models/parameters.js';
import type {SizeName} from '../models/sizes.js';
import {sizeField, sizeModel, sizeNames} from '../models/sizes.js';
import {byteWords} from './byte-words.js';
import {cardWords} from './card-words.js';
import {givenSettings, NEEDS_COMMAND, onlyOptions, schemaOptions} from './command-line.js';
import {layerWords} from './layer-words.js';
import {modelExportCommand} from './model-export.js';
import {parametersOption, wholeOption} from './number-options.js';

type Args = Record<string, unknown>;

const options = {
  model: {
    type: 'string' as const,
    choices: modelSchema.preset.choices,
    describe: `${modelSchema.preset.why} [default "${modelSchema.preset.default}"]`,
  },
  size: {type: 'string' as const, choices: sizeNames, describe: sizeField.why},
  ...schemaOptions(modelSchema, 'Model', ['preset', 'seed']),
  parameters: parametersOption,
  context: {...wholeOption('tokens L of a sample'), default: 2048},
  batch: {...wholeOption('samples whose activations live at the same time'), default: 1},
  shapes: {type: 'boolean' as const, describe: 'list every parameter'},
  json: {type: 'boolean' as const, describe: 'print JSON'},
};

/** A model as it is described: by options, or by a folder. */
interface Described {
  readonly config: ModelConfig;
  readonly card?: ModelCard;
  /** Of its files, by format, where that is known. */
  readonly stored?: readonly StoredWeights[];
}

/** What a folder says of its model. Errors: SettingError for model options beside a folder. */
async function ofFolder(folder: string, argv: Args): Promise<Described> {
  const given = [...Object.keys(schemaOptions(modelSchema, 'Model')), 'model', 'size', 'parameters'];
  const beside = given.find(option => argv[option] !== undefined);
  if (beside !== undefined)
    throw new SettingError(`--${beside}: ${folder} has settings of its own; leave it away, or the folder`);
  const {config, kind} = await openTrained(folder);
  const card = kind === 'run' ? undefined : await readCard(modelInFolder(folder));
  const {model} = config;
  if (isPretrainedFolder(folder)) return {config: model, stored: await storedInPretrained(folder)};
  if (card === undefined) return {config: model};
  const {storage: dtype, bytes} = card.weights;
  return {config: model, card, stored: [{dtype, bytes}]};
}

function ofOptions(argv: Args): ModelConfig {
  const preset = presetNames.find(name => name === argv.model) ?? modelSchema.preset.default;
  const size = sizeNames.find((name): name is SizeName => name === argv.size);
  const sized = size === undefined ? {} : {vocabSize: 50_280, ...sizeModel(size, preset)};
  const plain = parseModelConfig({...sized, ...givenSettings(modelSchema, argv), preset});
  return argv.parameters === undefined ? plain : withParameters(plain, Number(argv.parameters));
}

async function execute(argv: Args): Promise<void> {
  const described: Described =
    typeof argv.folder === 'string' ? await ofFolder(argv.folder, argv) : {config: ofOptions(argv)};
  const {config, card, stored = []} = described;
  const [context, batch] = [Number(argv.context), Number(argv.batch)];
  const whole = footprint(config, {context, batch});
  const recomputed = footprint(config, {context, batch, recompute: true});
  if (argv.json === true) {
    const activationsRecomputed = recomputed.activations;
    console.log(JSON.stringify({...described, context, batch, ...whole, activationsRecomputed}, null, 2));
    return;
  }
  const {preset, dModel, mlp, vocabSize} = config;
  if (card !== undefined) console.log(`${cardWords(card)}\n`);
  console.log(
    `${preset}${argv.size === undefined ? '' : ` ${argv.size}`}: ${layerWords(config)}, D ${dModel}, ` +
      `${mlp ? 'with' : 'without'} MLP, V ${vocabSize}\n`,
  );
  const training = whole.weights + whole.gradients + whole.optimizer;
  const rows: Cell[][] = [
    ['what', 'size'],
    ['parameters', whole.parameters.toLocaleString('en-US')],
    ...stored.map(({dtype, bytes}) => [`weights on disk, ${dtype}`, byteWords(bytes)]),
    ['weights in memory, float32', byteWords(whole.weights)],
    ['the same with --dtype float16 or bfloat16', byteWords(whole.weightsInHalves)],
    ['gradients', byteWords(whole.gradients)],
    ['optimizer', byteWords(whole.optimizer)],
    [`activations, ${batch} x ${context} tokens`, byteWords(whole.activations)],
    ['activations with --recompute', byteWords(recomputed.activations)],
    ['training in all', byteWords(training + whole.activations)],
    ['the same with --recompute', byteWords(training + recomputed.activations)],
    [`state of one sequence after ${context} tokens`, byteWords(whole.state)],
    ['state at most', byteWords(whole.stateLimit)],
  ];
  console.log(textTable(rows));
  if (argv.shapes !== true) return;
  const shapes = parameterShapes(config).map(({name, shape}) => [name, shape.join(' x ')]);
  console.log(`\n${textTable([['parameter', 'shape'], ...shapes])}`);
}

const infoCommand: CommandModule<object, Args> = {
  command: 'info [folder]',
  describe: 'parameters and bytes of a model, computed without allocating them; of a folder also its card',
  builder: (yargs: Argv<object>) =>
    yargs
      .positional('folder', {
        type: 'string',
        describe: 'run folder, model folder or folder of Hugging Face; else the options describe the model',
      })
      .options(options)
      .check(onlyOptions(options, 'folder'))
      .example('$0 model info runs/shakespeare/model-best', 'where it comes from, and what it takes')
      .example(
        '$0 model info --model bmojo --size 130m --context 2048 --batch 8',
        'does it fit?',
      ) as Argv<Args>,
  handler: execute,
};

export const modelCommand: CommandModule<object, Args> = {
  builder: yargs =>
    yargs.command(infoCommand).command(modelExportCommand).demandCommand(1, NEEDS_COMMAND) as Argv<Args>,
  handler: () => {},
};
