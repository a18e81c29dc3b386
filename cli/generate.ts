// `bmojo generate`: text from a trained model, streamed as it is written.

import type {Argv, CommandModule} from 'yargs';
import {parseSettings, SettingError} from '../config/schema.js';
import {createRowSearch} from '../custom-ops/exact-search/row-search.js';
import type {Tokenizer} from '../data/tokenizers/index.js';
import {openingOf} from '../data/tokenizers/index.js';
import {shellWord} from '../errors/shell-word.js';
import type {Trained} from '../experiments/trained.js';
import {openTrained} from '../experiments/trained.js';
import {writeFileAtomic} from '../formats/atomic-file.js';
import {SafetensorsError} from '../formats/safetensors.js';
import type {MemoryStore} from '../memory/index.js';
import {openMemory} from '../memory/index.js';
import {beyondContextWords} from '../models/beyond-context.js';
import {DecodingSession} from '../models/decoding-session.js';
import {DecodingStateError} from '../models/decoding-state.js';
import {generateText} from '../models/generate.js';
import {generateTexts} from '../models/generate-batch.js';
import {memoryFormat} from '../models/session-memory.js';
import type {SamplingSettings} from '../models/token-sampling.js';
import {samplingSchema} from '../models/token-sampling.js';
import {chatOptions, conversationsOf} from './chat.js';
import {givenSettings, onlyOptions, schemaOptions} from './command-line.js';
import {checkStream} from './evaluation-store.js';
import {withInterrupts} from './interrupts.js';
import type {LanguageRun} from './language-run.js';
import {checkpointOptions, loadLanguageRun, optionTokens, trainedContext} from './language-run.js';
import {wholeOption} from './number-options.js';
import {withOpened} from './opened-memory.js';
import {checkFolder, optionFile} from './option-file.js';
import {givenPrompts, promptOptions} from './prompts.js';

type Args = Record<string, unknown>;

/** Exit status of a command that was interrupted. */
const INTERRUPTED = 130;

const options = {
  ...checkpointOptions,
  ...promptOptions,
  ...chatOptions,
  tokens: {...wholeOption('tokens of a text to write at most', 0), default: 256},
  stop: {
    type: 'string' as const,
    array: true as const,
    nargs: 1,
    describe: 'string that ends a text before it; several, each behind a --stop of its own',
  },
  ...schemaOptions(samplingSchema, 'Sampling'),
  state: {type: 'string' as const, describe: 'go on from a state that --save-state wrote'},
  'save-state': {
    type: 'string' as const,
    describe: 'write the memory after the last token, so that --state continues the text',
    writes: 'file' as const,
  },
  memory: {
    type: 'string' as const,
    describe:
      'hold what leaves the windows in a store, a folder or postgres://..., where later conversations of the same stream find it',
  },
  stream: {type: 'string' as const, describe: 'whose memory it is, with --memory [default: default]'},
  quiet: {type: 'boolean' as const, describe: 'no speed and size on stderr'},
  json: {type: 'boolean' as const, describe: 'print one JSON object a text, when all is written'},
};

/** What is to be written, checked before anything is loaded. */
interface Order {
  readonly prompts: readonly string[];
  /** Ids before each prompt; none before a conversation, whose text has them. */
  readonly startTokens: readonly number[];
  /** Whether the prompt is shown before what follows it; that of a conversation is not. */
  readonly isShown: boolean;
  readonly maxTokens: number;
  readonly stop: readonly string[];
  readonly sampling: SamplingSettings;
  readonly saved: Buffer | undefined;
}

/** Errors: SettingError. */
function orderOf(
  argv: Args,
  folder: Pick<Trained, 'path' | 'startTokens' | 'chatTemplate'>,
  tokenizer: Tokenizer,
): Order {
  checkFolder('--save-state', argv['save-state']);
  checkStream(argv);
  const saved = typeof argv.state === 'string' ? optionFile('--state', argv.state) : undefined;
  const given = givenPrompts(argv);
  const conversations = conversationsOf(argv, given, folder);
  const startTokens = conversations === undefined ? (folder.startTokens ?? []) : [];
  const prompts =
    conversations ?? (given.length > 0 ? given : [saved === undefined ? openingOf(tokenizer) : '']);
  const needsTokens = saved === undefined || prompts.length > 1;
  for (const [i, prompt] of prompts.entries()) {
    const name = prompts.length === 1 ? '--prompt' : `prompt ${i + 1}`;
    const {length} = optionTokens(name, prompt, tokenizer);
    if (needsTokens && startTokens.length + length === 0)
      throw new SettingError(`${name}: must hold at least one token`);
  }
  if (prompts.length > 1 && [saved, argv['save-state'], argv.memory].some(one => one !== undefined))
    throw new SettingError('several prompts go without --state, --memory and --save-state');
  const stop = Array.isArray(argv.stop) ? argv.stop.map(String) : [];
  if (stop.includes('')) throw new SettingError('--stop must hold at least one character');
  return {
    prompts,
    startTokens,
    isShown: conversations === undefined,
    maxTokens: Number(argv.tokens),
    stop,
    sampling: parseSettings('generate', samplingSchema, givenSettings(samplingSchema, argv)),
    saved,
  };
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

/** Says that text will decay beyond the context that a model was trained on. */
function tellBeyond({folder, model}: LanguageRun, position: number): void {
  const trained = trainedContext(folder);
  const words = trained === undefined ? undefined : beyondContextWords(model.config, trained);
  if (trained !== undefined && words !== undefined && position > trained)
    process.stderr.write(`note: ${words}\n`);
}

/** Several texts at once: printed when all are written. */
async function writeMany(run: LanguageRun, order: Order, argv: Args): Promise<void> {
  const {folder, model, tokenizer} = run;
  const {prompts, startTokens, isShown, maxTokens, stop, sampling} = order;
  const {stopTokens: stopToken} = folder;
  const counts = prompts.map(prompt => startTokens.length + tokenizer.encode(prompt).length);
  tellBeyond(run, Math.max(...counts) + maxTokens);
  const texts = prompts.map(() => '');
  const started = performance.now();
  const isStopped = await withInterrupts(async signal => {
    const options = {tokenizer, prompts, startTokens, maxTokens, stop, stopToken, signal, ...sampling};
    for await (const {row, text} of generateTexts(model, options)) texts[row] += text;
    return signal.aborted;
  }, 'finishing this token');
  prompts.forEach((prompt, row) => {
    if (argv.json === true) console.log(JSON.stringify({row, prompt, text: texts[row]}));
    else
      console.log(
        `${row === 0 ? '' : '\n'}--- ${row + 1} of ${prompts.length}\n${isShown ? prompt : ''}${texts[row]}`,
      );
  });
  if (isStopped) process.exitCode = INTERRUPTED;
  if (argv.quiet !== true)
    process.stderr.write(
      `${prompts.length} texts in ${((performance.now() - started) / 1000).toFixed(2)} s\n`,
    );
}

/** What leaves the windows goes to `store`, where there is one. */
async function writeOne(
  run: LanguageRun,
  order: Order & {readonly store?: MemoryStore},
  argv: Args,
): Promise<void> {
  const {folder, model, tokenizer, digest} = run;
  const {
    prompts: [prompt],
    startTokens,
    isShown,
    maxTokens,
    stop,
    sampling,
    saved,
    store,
  } = order;
  const memory = store && {store, stream: argv.stream === undefined ? undefined : String(argv.stream)};
  const session = new DecodingSession(model, {weights: digest, memory});
  try {
    if (saved !== undefined) restoreFrom(String(argv.state), session, saved);
    const {stopTokens: stopToken} = folder;
    const read = [...(session.position === 0 ? startTokens : []), ...tokenizer.encode(prompt)];
    tellBeyond(run, session.position + read.length + maxTokens);
    const started = performance.now();
    const first = session.position + read.length;
    let readAt = started;
    const isTold = argv.quiet !== true && process.stderr.isTTY;
    const isJson = argv.json === true;
    const onProgress = (done: number, of: number): void => {
      if (isTold && of > session.chunk) process.stderr.write(`\rreading the prompt: ${done} of ${of} tokens`);
      if (done < of) return;
      if (isTold && of > session.chunk) process.stderr.write('\n');
      readAt = performance.now();
      if (!isJson && isShown && saved === undefined) process.stdout.write(prompt);
    };
    let all = '';
    const isStopped = await withInterrupts(async signal => {
      const options = {
        tokenizer,
        session,
        prompt,
        startTokens,
        maxTokens,
        stop,
        stopToken,
        signal,
        onProgress,
        ...sampling,
      };
      for await (const text of generateText(model, options)) {
        all += text;
        if (!isJson) process.stdout.write(text);
      }
      return signal.aborted;
    }, 'finishing this token');
    if (session.position < first) {
      process.stderr.write('stopped within the prompt: nothing is written\n');
      process.exitCode = INTERRUPTED;
      return;
    }
    await session.settle();
    process.stdout.write(isJson ? `${JSON.stringify({row: 0, prompt, text: all})}\n` : '\n');
    const seconds = (performance.now() - readAt) / 1000;
    const written = session.position - first;
    const state = argv['save-state'];
    if (typeof state === 'string') writeFileAtomic(state, await session.save());
    if (isStopped) {
      process.exitCode = INTERRUPTED;
      const weights = argv.weights === undefined ? '' : ` --weights ${argv.weights}`;
      if (typeof state === 'string')
        process.stderr.write(
          `continue with: npx bmojo generate --checkpoint ${shellWord(folder.path)}${weights} --state ${shellWord(state)}\n`,
        );
    }
    if (argv.quiet !== true) {
      process.stderr.write(
        `read ${read.length} tokens in ${((readAt - started) / 1000).toFixed(2)} s, ` +
          `wrote ${written} at ${(written / seconds).toFixed(1)} tokens/s, ${session.stateBytes} bytes of state\n`,
      );
    }
  } finally {
    session.dispose();
  }
}

async function execute(argv: Args): Promise<void> {
  const folder = await openTrained(String(argv.checkpoint));
  const order = orderOf(argv, folder, folder.tokenizer());
  const run = await loadLanguageRun(folder, argv);
  const {model, digest: weights} = run;
  const place = argv.memory;
  const store =
    typeof place === 'string'
      ? await openMemory(place, {format: memoryFormat(model, {weights}), rowSearch: await createRowSearch()})
      : undefined;
  const write = (): Promise<void> =>
    order.prompts.length > 1 ? writeMany(run, order, argv) : writeOne(run, {...order, store}, argv);
  try {
    await (store === undefined ? write() : withOpened(store, write));
  } finally {
    model.model.dispose();
  }
}

export const generateCommand: CommandModule<object, Args> = {
  builder: (yargs: Argv<object>) =>
    yargs
      .options(options)
      .check(onlyOptions(options))
      .example('$0 generate --checkpoint runs/shakespeare --prompt "ROMEO:"', 'text as it is written')
      .example(
        '$0 generate --checkpoint runs/shakespeare --prompt "ROMEO:" --prompt "JULIET:" --stop "."',
        'a sentence of each, written at once',
      )
      .example(
        '$0 generate --checkpoint runs/hub/instruct --chat --system "Answer briefly." --prompt "What is a window?"',
        'the answer of a model of Hugging Face that was trained on conversations',
      )
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
