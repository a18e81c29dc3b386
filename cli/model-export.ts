// `bmojo model export`: the model of a run as one folder that travels, ours or in a layout of the Hub.

import {existsSync, readdirSync} from 'node:fs';
import {basename, join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import {SettingError} from '../config/schema.js';
import {useBackend} from '../custom-ops/index.js';
import {isPretrainedFolder} from '../experiments/pretrained.js';
import {loadSequenceModel} from '../experiments/run.js';
import type {WeightsName} from '../experiments/run-models.js';
import {modelFolderNames, writeRunModel} from '../experiments/run-models.js';
import type {Trained} from '../experiments/trained.js';
import {openTrained} from '../experiments/trained.js';
import {weightDTypes} from '../formats/weight-dtype.js';
import {copyModelFolder, modelInFolder, writeModelFolder} from '../models/folder-on-disk.js';
import type {FolderDType, ModelCard} from '../models/model-folder/index.js';
import {folderDTypes, openModel, readCard} from '../models/model-folder/index.js';
import {byteWords} from './byte-words.js';
import {onlyOptions} from './command-line.js';
import {chosenWeights, loadOptionsGroup} from './load-options.js';
import {exportPretrained} from './pretrained-export.js';

type Args = Record<string, unknown>;

const options = {
  weights: loadOptionsGroup.weights,
  format: {
    type: 'string' as const,
    choices: ['bmojo', 'huggingface'] as const,
    default: 'bmojo',
    describe:
      'bmojo: for tf.loadLayersModel, browsers, other machines; huggingface: in the layout of the transformers library that says everything about the model, model_type bmojo where none does',
  },
  dtype: {
    type: 'string' as const,
    choices: weightDTypes,
    describe:
      'how weights are stored; float16 and bfloat16 round them and take half of the bytes, bfloat16 only in --format huggingface [default: float32; of a model folder its own]',
  },
  out: {type: 'string' as const, demandOption: true, describe: 'folder to make', writes: 'folder' as const},
  json: {type: 'boolean' as const, describe: "print the folder's card as JSON, or the list of files"},
};

async function exported(
  trained: Trained,
  weights: WeightsName,
  out: string,
  dtype: FolderDType | undefined,
): Promise<ModelCard> {
  const {path, run: folder} = trained;
  if (isPretrainedFolder(path)) return ofPretrained(trained, out, dtype);
  if (folder === undefined) return ofModelFolder(path, out, dtype);
  // The command that trained stands on the card that the run's end has written.
  const made = await readCard(modelInFolder(join(path, modelFolderNames[weights])));
  const {model, step} = await loadSequenceModel(folder, {weights, backend: 'cpu'});
  try {
    return await writeRunModel(folder, model, {weights, step, command: made?.command, out, dtype});
  } finally {
    model.model.dispose();
  }
}

/** A copy, or the same model with weights that are stored otherwise. */
async function ofModelFolder(path: string, out: string, dtype: FolderDType | undefined): Promise<ModelCard> {
  const source = modelInFolder(path);
  const stored = (await readCard(source))?.weights.storage;
  if (dtype === undefined || dtype === stored) return copyModelFolder(source, out);
  await useBackend('cpu');
  const {model, tokenizer, card} = await openModel(source);
  try {
    const {title, command, training, data, generation} = card ?? {};
    return await writeModelFolder(
      out,
      {model, tokenizer, title, command, training, data, generation},
      {dtype},
    );
  } finally {
    model.model.dispose();
  }
}

/** A folder of the Hub as one of ours. */
async function ofPretrained(
  trained: Trained,
  out: string,
  dtype: FolderDType | undefined,
): Promise<ModelCard> {
  const {path, tokenizerFolder, stopTokens, startTokens, chatTemplate} = trained;
  const {model} = await trained.load('best', 'cpu');
  const hasTokenizer = existsSync(join(tokenizerFolder, 'tokenizer.json'));
  const parameters = model.parameterCount().toLocaleString('en-US');
  try {
    const contents = {
      model,
      ...(hasTokenizer ? {tokenizer: trained.tokenizer()} : {}),
      title: `${basename(path)} of Hugging Face, ${parameters} parameters`,
      generation: {stopTokens, startTokens, chatTemplate: chatTemplate?.toJSON()},
    };
    return await writeModelFolder(out, contents, {dtype});
  } finally {
    model.model.dispose();
  }
}

async function execute(argv: Args): Promise<void> {
  const out = String(argv.out);
  if (existsSync(out) && readdirSync(out).length > 0)
    throw new SettingError(`--out: ${out} exists and is not empty; choose another folder`);
  const dtype = weightDTypes.find(one => one === argv.dtype);
  const ownDType = folderDTypes.find(one => one === dtype);
  if (dtype !== ownDType && argv.format !== 'huggingface')
    throw new SettingError(
      `--dtype: --format ${argv.format} has no ${dtype}; choose float16, or --format huggingface`,
    );
  const trained = await openTrained(String(argv.run));
  const weights = chosenWeights(trained, argv.weights);
  if (argv.format === 'huggingface') {
    const {modelType, files} = await exportPretrained(trained, weights, out, dtype);
    if (argv.json === true) console.log(JSON.stringify({modelType, files}, null, 2));
    else {
      const bytes = files.reduce((total, file) => total + file.bytes, 0);
      console.log(`model_type ${modelType}\nwritten: ${out}, ${files.length} files, ${byteWords(bytes)}`);
    }
    return;
  }
  const card = await exported(trained, weights, out, ownDType);
  if (argv.json === true) {
    console.log(JSON.stringify(card, null, 2));
    return;
  }
  const bytes = card.files.reduce((total, file) => total + file.bytes, 0);
  console.log(`${card.title}\nwritten: ${out}, ${card.files.length + 1} files, ${byteWords(bytes)}`);
}

export const modelExportCommand: CommandModule<object, Args> = {
  command: 'export <run>',
  describe: 'write the model of a run as one folder: for browsers, other machines, other libraries',
  builder: (yargs: Argv<object>) =>
    yargs
      .positional('run', {
        type: 'string',
        describe: 'run folder, a model folder to copy, or a folder of Hugging Face',
      })
      .options(options)
      .check(onlyOptions(options, 'run'))
      .example(
        '$0 model export runs/shakespeare --out runs/site/shakespeare',
        'best weights, tokenizer and card, checked by every reader',
      )
      .example(
        '$0 model export runs/shakespeare --dtype float16 --out runs/site/shakespeare',
        'half of the bytes to download; weights are rounded to 11 bits',
      )
      .example(
        '$0 model export runs/shakespeare --format huggingface --out runs/hub/shakespeare',
        'a folder for the transformers library, where a layout of its expresses the model',
      ) as Argv<Args>,
  handler: execute,
};
