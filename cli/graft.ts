// `bmojo graft MODEL`: memories onto layers that attend, behind gates that start closed; `bmojo train --init-from` goes on from it.

import {existsSync, readdirSync} from 'node:fs';
import {join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import {parseSettings, SettingError} from '../config/schema.js';
import {useBackend} from '../custom-ops/index.js';
import {shellWord} from '../errors/shell-word.js';
import {openTrained} from '../experiments/trained.js';
import {asLanguageModel} from '../models/create.js';
import {writePretrainedFolder} from '../models/folder-on-disk.js';
import {graft} from '../models/graft.js';
import {graftSchema} from '../models/graft-schema.js';
import {byteWords} from './byte-words.js';
import {givenSettings, onlyOptions, schemaOptions} from './command-line.js';
import {trainedContext} from './language-run.js';
import {numberList} from './lists.js';
import {chosenWeights, loadOptionsGroup} from './load-options.js';
import {wholesOption} from './number-options.js';

type Args = Record<string, unknown>;

const options = {
  layers: {
    ...wholesOption('numbers of the layers to graft on, from 0, separated by commas', 0),
    defaultDescription: 'all that attend and have no memory but their window',
  },
  to: {
    type: 'string' as const,
    choices: ['bmojo', 'bmojo-f'] as const,
    default: 'bmojo',
    describe: 'the memories that come: fading tokens and eidetic slots, or fading tokens alone',
  },
  ...schemaOptions(graftSchema, 'Memories'),
  weights: loadOptionsGroup.weights,
  out: {type: 'string' as const, demandOption: true, describe: 'folder to make', writes: 'folder' as const},
  json: {type: 'boolean' as const, describe: 'print what was done as JSON'},
};

/** Errors: SettingError for slots where none come. */
function memoriesOf({to, ...argv}: Args) {
  const given = givenSettings(graftSchema, argv);
  if (to === 'bmojo-f' && given.eideticSlots !== undefined && given.eideticSlots !== 0)
    throw new SettingError('--eidetic-slots must be left away with --to bmojo-f, which has none');
  // What is out of range is refused before anything is loaded; what is not given stays so.
  parseSettings('graft', graftSchema, given);
  return to === 'bmojo-f' ? {...given, eideticSlots: 0} : given;
}

async function execute(argv: Args): Promise<void> {
  const out = String(argv.out);
  if (existsSync(out) && readdirSync(out).length > 0)
    throw new SettingError(`--out: ${out} exists and is not empty; choose another folder`);
  const memories = memoriesOf(argv);
  const layers = argv.layers === undefined ? undefined : numberList('layers', String(argv.layers));
  const trained = await openTrained(String(argv.model));
  await useBackend('cpu');
  const {model: loaded} = await trained.load(chosenWeights(trained, argv.weights), 'cpu');
  const model = asLanguageModel(loaded);
  const hasTokenizer = existsSync(join(trained.tokenizerFolder, 'tokenizer.json'));
  const grafted = graft(model, {...memories, layers});
  const before = model.parameterCount();
  model.model.dispose();
  const parameters = grafted.model.parameterCount();
  const {files} = await writePretrainedFolder(out, {
    model: grafted.model,
    ...(hasTokenizer ? {tokenizer: trained.tokenizer()} : {}),
    chatTemplate: trained.chatTemplate,
    stopTokens: trained.stopTokens,
    startTokens: trained.startTokens ?? [],
    context: trainedContext(trained),
    card: `Memories were grafted onto layers ${grafted.layers.join(', ')}; their gates are closed.\n`,
  });
  grafted.model.model.dispose();
  const result = {layers: grafted.layers, parameters, added: parameters - before, files};
  if (argv.json === true) console.log(JSON.stringify(result, null, 2));
  else {
    const bytes = files.reduce((total, file) => total + file.bytes, 0);
    console.log(
      `grafted: layers ${grafted.layers.join(', ')}, ${result.added.toLocaleString('en-US')} new parameters beside ${before.toLocaleString('en-US')}\n` +
        `written: ${out}, ${files.length} files, ${byteWords(bytes)}\n` +
        `its gates are closed: it computes what the model did with this window; fine-tune it with npx bmojo train TASK --init-from ${shellWord(out)}`,
    );
  }
}

export const graftCommand: CommandModule<object, Args> = {
  builder: (yargs: Argv<object>) =>
    yargs
      .positional('model', {
        type: 'string',
        describe: 'run folder, model folder, or folder of Hugging Face, with layers that attend',
      })
      .options(options)
      .check(onlyOptions(options, 'model'))
      .example(
        '$0 graft runs/hub/smollm --window 256 --out runs/grafted && $0 train lm --data runs/data --init-from runs/grafted',
        'fading tokens and eidetic slots for every layer of a Transformer, then fine-tuning',
      )
      .example(
        '$0 graft runs/hub/granite --window 128 --layers 5,15 --ssm nearest --out runs/grafted',
        'two layers of a hybrid, with the SSM of the layer nearest to each',
      ) as Argv<Args>,
  handler: execute,
};
