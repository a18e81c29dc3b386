// `bmojo data`: corpora into token files.

import type {Argv, CommandModule} from 'yargs';
import {SettingError} from '../config/schema.js';
import type {DataSummary} from '../data/files/index.js';
import {
  fetchCorpus,
  prepareData,
  readManifest,
  resolveFiles,
  trainTokenizer,
  verifyData,
} from '../data/files/index.js';
import {NEEDS_COMMAND, onlyOptions} from './command-line.js';
import {numberOption, wholeOption} from './number-options.js';

type Args = Record<string, unknown>;

const strings = (value: unknown): string[] => (Array.isArray(value) ? value.map(String) : []);

function splitLines({splits}: Pick<DataSummary, 'splits'>): string {
  return Object.entries(splits)
    .map(
      ([split, {documents, tokens, textBytes}]) =>
        `${split.padEnd(5)}  ${tokens} tokens in ${documents} document${documents === 1 ? '' : 's'}, ` +
        `${textBytes} bytes of text, ${(textBytes / tokens).toFixed(2)} bytes a token`,
    )
    .join('\n');
}

const jsonOption = {type: 'boolean' as const, describe: 'print JSON'};

const manifestOption = {
  type: 'string' as const,
  describe: "JSON list of corpora: name, licence, files with address and sha256 [default: the project's]",
};

const prepareOptions = {
  tokenizer: {
    type: 'string' as const,
    default: 'char',
    describe: 'char, byte, or the path of a Hugging Face tokenizer.json',
  },
  valid: {
    ...numberOption('share of the text, from its end, held out for validation', 1e-6, 0.999_999),
    default: 0.1,
  },
  'valid-files': {
    type: 'string' as const,
    array: true as const,
    describe: 'files held out for validation, instead of a share',
  },
  out: {
    type: 'string' as const,
    demandOption: true as const,
    describe: 'folder to make',
    writes: 'folder' as const,
  },
  manifest: manifestOption,
  json: jsonOption,
};

const prepareCommand: CommandModule<object, Args> = {
  command: 'prepare <files..>',
  describe: 'text files (or names of corpora) to checksummed token files',
  builder: (yargs: Argv<object>) =>
    yargs
      .positional('files', {
        type: 'string',
        array: true,
        describe:
          'text files, each a document; .jsonl files with a "text" a line; or a corpus of bmojo data list',
      })
      .options(prepareOptions)
      .check(onlyOptions(prepareOptions, 'files'))
      .example(
        '$0 data prepare tiny-shakespeare --out runs/data/shakespeare',
        'characters, the last tenth held out',
      )
      .example(
        '$0 data prepare a.txt b.txt --valid-files c.txt --tokenizer tokenizer.json --out runs/data/books',
        'BPE, a whole book held out',
      ) as Argv<Args>,
  handler: async argv => {
    const manifest = typeof argv.manifest === 'string' ? argv.manifest : undefined;
    const begun = Date.now();
    let shown = 0;
    const onProgress = (done: number, total: number): void => {
      if (process.stderr.isTTY !== true || Date.now() - shown < 200) return;
      shown = Date.now();
      const left = Math.ceil((((shown - begun) / 1000) * (total - done)) / done);
      process.stderr.write(`\r\u001b[2K${((100 * done) / total).toFixed(0)} % encoded  ${left} s left`);
    };
    const summary = await prepareData({
      files: await resolveFiles(strings(argv.files), manifest),
      validFiles: await resolveFiles(strings(argv['valid-files']), manifest),
      validShare: Number(argv.valid),
      tokenizer: String(argv.tokenizer),
      out: String(argv.out),
      onProgress,
    });
    if (shown > 0) process.stderr.write('\r\u001b[2K');
    if (argv.json === true) console.log(JSON.stringify({folder: argv.out, ...summary}, null, 2));
    else console.log(`vocabulary of ${summary.vocabSize}\n${splitLines(summary)}\nwritten: ${argv.out}`);
  },
};

const tokenizerOptions = {
  vocab: {
    ...wholeOption(
      'ids in all: 256 bytes, the end of a text, and pairs joined in order of frequency; 1024 to 8192 suit books',
      258,
      2 ** 24,
    ),
    demandOption: true as const,
  },
  out: {
    type: 'string' as const,
    demandOption: true as const,
    describe: 'the tokenizer.json to write',
    writes: 'file' as const,
  },
  manifest: manifestOption,
  json: jsonOption,
};

const tokenizerCommand: CommandModule<object, Args> = {
  command: 'tokenizer <files..>',
  describe: 'train a byte-level BPE: any text can be encoded, frequent words become one id',
  builder: (yargs: Argv<object>) =>
    yargs
      .positional('files', {
        type: 'string',
        array: true,
        describe: 'text files, files of lines {"text": ...}, or a corpus of bmojo data list',
      })
      .options(tokenizerOptions)
      .check(onlyOptions(tokenizerOptions, 'files'))
      .example(
        '$0 data tokenizer tiny-shakespeare --vocab 1024 --out runs/shakespeare.json',
        'the same file each time',
      )
      .example(
        '$0 data prepare tiny-shakespeare --tokenizer runs/shakespeare.json --out runs/data/shakespeare-bpe',
        'then the tokens of it',
      ) as unknown as Argv<Args>,
  handler: async argv => {
    const manifest = typeof argv.manifest === 'string' ? argv.manifest : undefined;
    const files = await resolveFiles(strings(argv.files), manifest);
    process.stderr.write(`reading ${files.length} file${files.length === 1 ? '' : 's'} and counting pairs\n`);
    const out = String(argv.out);
    const {vocabSize, textBytes} = await trainTokenizer({files, vocabSize: Number(argv.vocab), out});
    if (argv.json === true) console.log(JSON.stringify({file: out, vocabSize, textBytes}, null, 2));
    else console.log(`vocabulary of ${vocabSize} from ${textBytes} bytes of text\nwritten: ${out}`);
  },
};

const verifyOptions = {json: jsonOption};

const verifyCommand: CommandModule<object, Args> = {
  command: 'verify <folder>',
  describe: 'compare token files and tokenizer with their checksums, and say what does not match',
  builder: yargs =>
    yargs
      .positional('folder', {type: 'string', describe: 'folder made by bmojo data prepare'})
      .options(verifyOptions)
      .check(onlyOptions(verifyOptions, 'folder')) as Argv<Args>,
  handler: argv => {
    const {summary, notes} = verifyData(String(argv.folder));
    if (argv.json === true) console.log(JSON.stringify({...summary, notes}, null, 2));
    else console.log([splitLines(summary), ...notes, 'all checksums match'].join('\n'));
  },
};

const listOptions = {manifest: manifestOption, json: jsonOption};

const listCommand: CommandModule<object, Args> = {
  command: 'list',
  describe: 'corpora known by name',
  builder: yargs => yargs.options(listOptions).check(onlyOptions(listOptions)) as Argv<Args>,
  handler: argv => {
    const corpora = readManifest(argv.manifest as string | undefined);
    if (argv.json === true) {
      console.log(JSON.stringify(corpora, null, 2));
      return;
    }
    for (const {name, summary, licence, files} of corpora) {
      console.log(`${name}  ${summary}; ${licence}`);
      for (const {address, bytes} of files) console.log(`    ${bytes} bytes  ${address}`);
    }
  },
};

const fetchOptions = {
  out: {
    type: 'string' as const,
    demandOption: true as const,
    describe: 'folder to write to',
    writes: 'folder' as const,
  },
  ...listOptions,
};

const fetchCommand: CommandModule<object, Args> = {
  command: 'fetch <corpus>',
  describe: 'download a corpus and compare it with its checksum',
  builder: yargs =>
    yargs
      .positional('corpus', {type: 'string', describe: 'a name of bmojo data list'})
      .options(fetchOptions)
      .check(onlyOptions(fetchOptions, 'corpus')) as unknown as Argv<Args>,
  handler: async argv => {
    const corpora = readManifest(argv.manifest as string | undefined);
    const corpus = corpora.find(one => one.name === argv.corpus);
    if (corpus === undefined)
      throw new SettingError(
        `unknown corpus '${argv.corpus}'; known: ${corpora.map(one => one.name).join(', ')}`,
      );
    const isJson = argv.json === true;
    if (!isJson) console.log(`licence: ${corpus.licence}`);
    const files = await fetchCorpus(corpus, String(argv.out));
    if (isJson) console.log(JSON.stringify({licence: corpus.licence, files}, null, 2));
    else for (const path of files) console.log(`written: ${path}`);
  },
};

export const dataCommand: CommandModule<object, Args> = {
  builder: yargs =>
    yargs
      .command(prepareCommand)
      .command(tokenizerCommand)
      .command(verifyCommand)
      .command(listCommand)
      .command(fetchCommand)
      .demandCommand(1, NEEDS_COMMAND) as Argv<Args>,
  handler: () => {},
};
