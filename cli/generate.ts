// `bmojo generate`: text from a trained model, streamed as it is written.

import type {Argv, CommandModule} from 'yargs';
import {parseSettings, SettingError} from '../config/schema.js';
import {openTrained} from '../experiments/trained.js';
import {writeFileAtomic} from '../formats/atomic-file.js';
import {SafetensorsError} from '../formats/safetensors.js';
import type {MemoryStore} from '../memory/index.js';
import {openMemory} from '../memory/index.js';
import {beyondContextWords} from '../models/beyond-context.js';
import {DecodingSession, DecodingStateError} from '../models/decoding-session.js';
import {generateText} from '../models/generate.js';
import {memoryFormat} from '../models/session-memory.js';
import type {SamplingSettings} from '../models/token-sampling.js';
import {samplingSchema} from '../models/token-sampling.js';
import {givenSettings, onlyOptions, schemaOptions, wholeNumber} from './command-line.js';
import {withInterrupts} from './interrupts.js';
import type {LanguageRun} from './language-run.js';
import {checkpointOptions, loadLanguageRun, trainedContext} from './language-run.js';
import {checkFolder, optionFile, optionText} from './option-file.js';

type Args = Record<string, unknown>;

/** Exit status of a command that was interrupted. */
const INTERRUPTED = 130;

const options = {
  ...checkpointOptions,
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
  memory: {
    type: 'string' as const,
    describe:
      'hold what leaves the windows in a store, a folder or postgres://..., where later conversations of the same stream find it',
  },
  stream: {type: 'string' as const, describe: 'whose memory it is, with --memory [default: default]'},
  quiet: {type: 'boolean' as const, describe: 'no speed and size on stderr'},
};

function promptOf(argv: Args, continues: boolean): string {
  const file = argv['prompt-file'];
  if (typeof file !== 'string') return typeof argv.prompt === 'string' ? argv.prompt : continues ? '' : '\n';
  if (argv.prompt !== undefined) throw new SettingError('--prompt and --prompt-file exclude each other');
  return optionText('--prompt-file', file);
}

/** Errors: DecodingStateError naming the file. */
function restoreFrom(path: string, session: DecodingSession, saved: Uint8Array): void {
  try {
    session.restore(saved);
  } catch (error) {
    if (!(error instanceof SafetensorsError || error instanceof DecodingStateError)) throw error;
    throw new DecodingStateError(`--state: ${path} cannot be continued here: ${error.message}`);
  }
}

async function execute(argv: Args): Promise<void> {
  const folder = await openTrained(String(argv.checkpoint));
  checkFolder('--save-state', argv['save-state']);
  if (argv.stream !== undefined && argv.memory === undefined)
    throw new SettingError('--stream needs --memory, the store that the stream is in');
  const saved = typeof argv.state === 'string' ? optionFile('--state', argv.state) : undefined;
  const wanted: Wanted = {
    maxTokens: wholeNumber(argv, 'tokens', 0),
    sampling: parseSettings('generate', samplingSchema, givenSettings(samplingSchema, argv)),
    saved,
    prompt: promptOf(argv, saved !== undefined),
  };
  const run = await loadLanguageRun(folder, argv);
  const {model, digest: weights} = run;
  const place = argv.memory;
  const store =
    typeof place === 'string' ? await openMemory(place, {format: memoryFormat(model, {weights})}) : undefined;
  try {
    await write(argv, wanted, run, store);
  } finally {
    await store?.close();
    model.model.dispose();
  }
}

interface Wanted {
  readonly maxTokens: number;
  readonly sampling: SamplingSettings;
  readonly saved?: Uint8Array;
  readonly prompt: string;
}

/** Writes the text; what leaves the windows goes to `store` where there is one. */
async function write(
  argv: Args,
  {maxTokens, sampling, saved, prompt}: Wanted,
  {folder, model, digest, tokenizer}: LanguageRun,
  store: MemoryStore | undefined,
): Promise<void> {
  const memory = store && {store, stream: argv.stream === undefined ? undefined : String(argv.stream)};
  const session = new DecodingSession(model, {weights: digest, memory});
  if (saved !== undefined) restoreFrom(String(argv.state), session, saved);
  const {stopTokens: stopToken, startTokens = []} = folder;
  const read = [...(session.position === 0 ? startTokens : []), ...tokenizer.encode(prompt)];
  if (read.length === 0 && saved === undefined)
    throw new SettingError('--prompt: must hold at least one token');
  const trained = trainedContext(folder);
  const far = trained === undefined ? undefined : beyondContextWords(model.config, trained);
  if (trained !== undefined && far !== undefined && session.position + read.length + maxTokens > trained)
    process.stderr.write(`note: ${far}\n`);
  const started = performance.now();
  const first = session.position + read.length;
  let readAt = started;
  const isTold = argv.quiet !== true && process.stderr.isTTY;
  const onProgress = (done: number, of: number): void => {
    if (isTold && of > session.chunk) process.stderr.write(`\rreading the prompt: ${done} of ${of} tokens`);
    if (done < of) return;
    if (isTold && of > session.chunk) process.stderr.write('\n');
    readAt = performance.now();
    process.stdout.write(saved === undefined ? prompt : '');
  };
  const isStopped = await withInterrupts(async signal => {
    const begin = {prompt, startTokens};
    const options = {tokenizer, session, ...begin, maxTokens, stopToken, signal, onProgress, ...sampling};
    for await (const text of generateText(model, options)) process.stdout.write(text);
    return signal.aborted;
  }, 'finishing this token');
  if (session.position < first) {
    process.stderr.write('stopped within the prompt: nothing is written\n');
    process.exitCode = INTERRUPTED;
    session.dispose();
    return;
  }
  process.stdout.write('\n');
  await session.settle();
  const seconds = (performance.now() - readAt) / 1000;
  const written = session.position - first;
  const state = argv['save-state'];
  if (typeof state === 'string') writeFileAtomic(state, await session.save());
  if (isStopped) {
    process.exitCode = INTERRUPTED;
    const weights = argv.weights === undefined ? '' : ` --weights ${argv.weights}`;
    if (typeof state === 'string')
      process.stderr.write(
        `continue with: bmojo generate --checkpoint ${folder.path}${weights} --state ${state}\n`,
      );
  }
  if (argv.quiet !== true) {
    process.stderr.write(
      `read ${read.length} tokens in ${((readAt - started) / 1000).toFixed(2)} s, ` +
        `wrote ${written} at ${(written / seconds).toFixed(1)} tokens/s, ${session.stateBytes} bytes of state\n`,
    );
  }
  session.dispose();
}

export const generateCommand: CommandModule<object, Args> = {
  builder: (yargs: Argv<object>) =>
    yargs
      .options(options)
      .check(onlyOptions(options))
      .example('$0 generate --checkpoint runs/shakespeare --prompt "ROMEO:"', 'text as it is written')
      .example(
        '$0 generate --checkpoint runs/shakespeare --save-state runs/state && $0 generate --checkpoint runs/shakespeare --state runs/state',
        'the second goes on where the first stopped',
      )
      .example(
        '$0 generate --checkpoint runs/books --memory runs/memory --stream anna --prompt-file chapter.txt',
        'what is read now, later conversations of anna remember',
      ),
  handler: execute,
};
