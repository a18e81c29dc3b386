// `bmojo model export`: the model of a run as one folder that travels.

import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import {SettingError} from '../config/schema.js';
import {loadSequenceModel} from '../experiments/run.js';
import {modelFolderNames, writeRunModel} from '../experiments/run-models.js';
import {openTrained} from '../experiments/trained.js';
import {copyModelFolder, modelInFolder} from '../models/folder-on-disk.js';
import type {ModelCard} from '../models/model-folder/index.js';
import {readCard} from '../models/model-folder/index.js';
import {byteWords} from './byte-words.js';
import {onlyOptions} from './command-line.js';
import {chosenWeights, loadOptionsGroup} from './load-options.js';

type Args = Record<string, unknown>;

const options = {
  weights: loadOptionsGroup.weights,
  out: {type: 'string' as const, demandOption: true, describe: 'folder to make'},
  json: {type: 'boolean' as const, describe: "print the folder's card as JSON"},
};

async function exported(path: string, out: string, asked: unknown): Promise<ModelCard> {
  const trained = await openTrained(path);
  const weights = chosenWeights(trained, asked);
  const {run: folder} = trained;
  if (folder === undefined) return copyModelFolder(modelInFolder(path), out);
  // The command that trained stands on the card that the run's end has written.
  const made = await readCard(modelInFolder(join(path, modelFolderNames[weights])));
  const {model, step} = await loadSequenceModel(folder, {weights, backend: 'cpu'});
  try {
    return await writeRunModel(folder, model, {weights, step, command: made?.command, out});
  } finally {
    model.model.dispose();
  }
}

async function execute(argv: Args): Promise<void> {
  const out = String(argv.out);
  if (existsSync(out) && readdirSync(out).length > 0)
    throw new SettingError(`--out: ${out} exists and is not empty; choose another folder`);
  const card = await exported(String(argv.run), out, argv.weights);
  if (argv.json === true) {
    console.log(JSON.stringify(card, null, 2));
    return;
  }
  const bytes = card.files.reduce((total, file) => total + file.bytes, 0);
  console.log(`${card.title}\nwritten: ${out}, ${card.files.length + 1} files, ${byteWords(bytes)}`);
}

export const modelExportCommand: CommandModule<object, Args> = {
  command: 'export <run>',
  describe: 'write the model of a run as one folder: for tf.loadLayersModel, browsers, other machines',
  builder: (yargs: Argv<object>) =>
    yargs
      .positional('run', {type: 'string', describe: 'run folder, or a model folder to copy'})
      .options(options)
      .check(onlyOptions(options, 'run'))
      .example(
        '$0 model export runs/shakespeare --out runs/site/shakespeare',
        'best weights, tokenizer and card, checked by every reader',
      ) as Argv<Args>,
  handler: execute,
};
