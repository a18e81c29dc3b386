// `bmojo generate`: text from a trained model, streamed as it is written.

import {existsSync, readFileSync} from 'node:fs';
import {join} from 'node:path';
import type {Argv, CommandModule} from 'yargs';
import {givenSettings, onlyOptions, schemaOptions, wholeNumber} from '../../config/command-line.js';
import {parseSettings, SettingError} from '../../config/schema.js';
import {readTokenizer} from '../../data/files/index.js';
import {writeFileAtomic} from '../../formats/atomic-file.js';
import {DecodingSession} from '../../models/decoding-session.js';
import {generateText} from '../../models/generate.js';
import {samplingSchema} from '../../models/sampling.js';
import {loadRunModel} from '../run.js';
import {RunFolder, RunFolderError} from '../run-folder.js';
import {withInterrupts} from './interrupts.js';

type Args = Record<string, unknown>;

const options = {
  checkpoint: {
    type: 'string' as const,
    demandOption: true as const,
    describe: 'run folder made by bmojo train lm',
  },
  weights: {
    type: 'string' as const,
    choices: ['best', 'last'] as const,
    default: 'best' as const,
    describe: 'weights of the best evaluation or of the last checkpoint',
  },
  prompt: {
    type: 'string' as const,
    describe: 'text to go on from [default: a line break, nothing with --state]',
  },
  'prompt-file': {type: 'string' as const, describe: 'file whose text is the prompt'},
  tokens: {type: 'number' as const, default: 256, describe: 'tokens to write at most'},
  ...schemaOptions(samplingSchema, 'Sampling'),
  state: {type: 'string' as const, describe: 'go on from a state that --save-state wrote'},
  'save-state': {
    type: 'string' as const,
    describe: 'write the memory after the last token, so that --state continues the text',
  },
  quiet: {type: 'boolean' as const, describe: 'no speed and size on stderr'},
};

function promptOf(argv: Args, continues: boolean): string {
  const file = argv['prompt-file'];
  if (typeof file !== 'string') return typeof argv.prompt === 'string' ? argv.prompt : continues ? '' : '\n';
  if (argv.prompt !== undefined) throw new SettingError('--prompt and --prompt-file exclude each other');
  return readText('--prompt-file', file).toString('utf8');
}

function readText(option: string, path: string): Buffer {
  if (!existsSync(path)) throw new SettingError(`${option}: ${path} does not exist`);
  return readFileSync(path);
}

async function execute(argv: Args): Promise<void> {
  const folder = RunFolder.open(String(argv.checkpoint));
  const tokenizerPath = join(folder.path, 'tokenizer.json');
  if (!existsSync(tokenizerPath))
    throw new RunFolderError(
      `${folder.path} has no tokenizer.json: it is a run of ${folder.config.task}, not of lm`,
    );
  const tokenizer = readTokenizer(tokenizerPath);
  const sampling = parseSettings('generate', samplingSchema, givenSettings(samplingSchema, argv));
  const saved = typeof argv.state === 'string' ? readText('--state', argv.state) : undefined;
  const prompt = promptOf(argv, saved !== undefined);
  const {model, step} = await loadRunModel(folder, {weights: argv.weights === 'last' ? 'last' : 'best'});
  const session = new DecodingSession(model, {weights: `${folder.config.data.checksum} step ${step}`});
  if (saved !== undefined) session.restore(saved);
  const read = tokenizer.encode(prompt);
  if (read.length === 0 && saved === undefined)
    throw new SettingError('--prompt: must hold at least one token');
  const started = performance.now();
  session.read(read);
  const readAt = performance.now();
  process.stdout.write(saved === undefined ? prompt : '');
  const first = session.position;
  await withInterrupts(async signal => {
    const maxTokens = wholeNumber(argv, 'tokens', 0);
    for await (const text of generateText(model, {tokenizer, session, maxTokens, signal, ...sampling}))
      process.stdout.write(text);
  }, 'finishing this token');
  process.stdout.write('\n');
  const seconds = (performance.now() - readAt) / 1000;
  const written = session.position - first;
  if (typeof argv['save-state'] === 'string') writeFileAtomic(argv['save-state'], await session.save());
  if (argv.quiet !== true) {
    process.stderr.write(
      `read ${read.length} tokens in ${((readAt - started) / 1000).toFixed(2)} s, ` +
        `wrote ${written} at ${(written / seconds).toFixed(1)} tokens/s, ${session.stateBytes} bytes of state\n`,
    );
  }
  session.dispose();
  model.model.dispose();
}

export const generateCommand: CommandModule<object, Args> = {
  command: 'generate',
  describe: 'write text with a trained language model',
  builder: (yargs: Argv<object>) =>
    yargs
      .options(options)
      .check(onlyOptions(options))
      .example('$0 generate --checkpoint runs/shakespeare --prompt "ROMEO:"', 'text as it is written')
      .example(
        '$0 generate --checkpoint runs/shakespeare --save-state s && $0 generate --checkpoint runs/shakespeare --state s',
        'the second goes on where the first stopped',
      ),
  handler: execute,
};
