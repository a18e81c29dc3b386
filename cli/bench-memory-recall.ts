// bmojo bench memory-recall: what an index of PGlite finds of what a trained model looks for.

import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import type {CommandModule} from 'yargs';
import {benchMemoryRecall} from '../bench/memory-recall.js';
import {SettingError} from '../config/schema.js';
import {createRowSearch} from '../custom-ops/exact-search/row-search.js';
import {taskFamily} from '../data/families.js';
import {closeData, openData} from '../data/files/index.js';
import {percent, textTable} from '../eval/table.js';
import type {Trained} from '../experiments/trained.js';
import {openTrained} from '../experiments/trained.js';
import {openMemory} from '../memory/index.js';
import {asLanguageModel} from '../models/create.js';
import {onlyOptions} from './command-line.js';
import {numberList} from './lists.js';
import {checkpointWords, loadOptions, loadOptionsGroup} from './load-options.js';
import {wholeOption, wholesOption} from './number-options.js';
import {reopened} from './reopened-memory.js';

type Args = Record<string, unknown>;

const options = {
  checkpoint: {type: 'string' as const, demandOption: true as const, describe: checkpointWords},
  ...loadOptionsGroup,
  rows: {
    ...wholesOption('tokens that the model reads, and rows of the index then, separated by commas', 100),
    default: '10000,50000',
  },
  data: {
    type: 'string' as const,
    describe: 'data folder whose held-out text is read, if not that of the training',
  },
  pairs: wholeOption('pairs of a sequence of mqar-mixture, 64 unless given'),
  queries: {...wholeOption('tokens whose queries are asked'), default: 200},
  count: wholeOption('rows that a query is to find; as many as the model retrieves by default', 1, 1024),
  precision: {choices: ['f16', 'f32'] as const, default: 'f16' as const, describe: 'numbers of stored keys'},
  json: {type: 'boolean' as const, describe: 'print JSON'},
};

/** Tokens as the model was trained on, as many as are wanted. Errors: SettingError for a run of another task. */
function tokensOf(
  {config: {task, data}}: Trained,
  count: number,
  {pairs, folder}: {pairs: number | undefined; folder: string | undefined},
): Int32Array {
  if (pairs !== undefined && task === 'lm')
    throw new SettingError('--pairs: a language model reads text, which has no pairs; leave it away');
  if (folder !== undefined && task === 'mqar-mixture')
    throw new SettingError('--data: a model of mqar-mixture reads sequences that are drawn; leave it away');
  if (task === 'mqar-mixture')
    return taskFamily(task)
      .create({...data, testParts: `${count}x${pairs ?? 64}`, powerA: 1})
      .sample({seed: 1, split: 'test', index: 0}).inputs;
  if (task !== 'lm')
    throw new SettingError(`--checkpoint: must be of mqar-mixture or lm, whose texts are long, got ${task}`);
  const opened = openData(folder ?? String(data.data));
  try {
    return Int32Array.from(opened.valid.read(0, count));
  } finally {
    closeData(opened);
  }
}

async function execute(argv: Args): Promise<void> {
  const folder = await openTrained(String(argv.checkpoint));
  const counts = numberList('rows', String(argv.rows)).sort((a, b) => a - b);
  const given = {
    pairs: argv.pairs === undefined ? undefined : Number(argv.pairs),
    folder: argv.data === undefined ? undefined : String(argv.data),
  };
  const texts = counts.map(count => tokensOf(folder, count, given));
  const {weights, backend, dtype} = await loadOptions(folder, argv);
  const {model} = await folder.load(weights, backend, dtype);
  const rowSearch = await createRowSearch();
  const found = [];
  for (const tokens of texts) {
    const parent = mkdtempSync(join(tmpdir(), 'bmojo-bench-recall-'));
    const place = `pglite:${join(parent, 'memory')}`;
    try {
      found.push(
        await benchMemoryRecall({
          model: asLanguageModel(model),
          tokens,
          precision: argv.precision === 'f32' ? 'f32' : 'f16',
          queries: Number(argv.queries),
          count: argv.count === undefined ? undefined : Number(argv.count),
          rowSearch,
          index: {
            name: 'pglite',
            open: format => openMemory(place, {format, exactRows: tokens.length}),
            filled: filling => reopened(place, filling, 1),
          },
        }),
      );
    } finally {
      rmSync(parent, {recursive: true, force: true});
    }
  }
  model.model.dispose();
  if (argv.json === true) {
    console.log(JSON.stringify({precision: argv.precision, recall: found}, null, 2));
    return;
  }
  const table = found.map(one => [
    one.rows,
    one.queries,
    percent(one.recall),
    percent(one.first),
    percent(one.recallOfKeys),
  ]);
  const [{count}] = found;
  console.log(
    textTable([
      ['rows', 'queries', `recall@${count}`, 'the best is found', `recall@${count} of stored keys`],
      ...table,
    ]),
  );
}

export const benchMemoryRecallCommand: CommandModule<object, Args> = {
  builder: yargs =>
    yargs
      .options(options)
      .check(onlyOptions(options))
      .example(
        '$0 bench memory-recall --checkpoint runs/storage',
        'PGlite with pgvector beside exact search',
      ),
  handler: execute,
};
