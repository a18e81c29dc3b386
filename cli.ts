#!/usr/bin/env node
// The command `bmojo`: one file per command; errors of the user in one line, ours with their stack.

import {enableProdMode} from '@tensorflow/tfjs-core';
import yargs from 'yargs';
import {hideBin} from 'yargs/helpers';
import {NEEDS_COMMAND} from './config/command-line.js';
import {SettingError} from './config/schema.js';
import {ArgumentError, BackendError} from './custom-ops/index.js';
import {dataCommand} from './data/cli/data.js';
import {CorpusError, TokenFileError} from './data/files/index.js';
import {PassageError} from './data/files/passages.js';
import {TokenizerError} from './data/tokenizers/index.js';
import {WindowError} from './data/windows.js';
import {benchCommand} from './eval/cli/bench.js';
import {doctorCommand} from './eval/cli/doctor.js';
import {kernelsCommand} from './eval/cli/kernels.js';
import {modelCommand} from './eval/cli/model.js';
import {verifyCommand} from './eval/cli/verify.js';
import {EvaluationError} from './eval/report/record.js';
import {SafetensorsError} from './formats/safetensors.js';
import {DecodingStateError} from './models/decoding-session.js';
import {ModelFormatError} from './models/model-format.js';
import {CheckpointError} from './train/checkpoint-folder.js';
import {benchStepCommand} from './train/cli/bench-step.js';
import {benchTensorFlowCommand} from './train/cli/bench-tensorflow.js';
import {compareCommand} from './train/cli/compare.js';
import {evalCommand} from './train/cli/eval.js';
import {generateCommand} from './train/cli/generate.js';
import {quickstartCommand} from './train/cli/quickstart.js';
import {trainCommand} from './train/cli/train.js';
import {RunFolderError} from './train/run-folder.js';
import {SnapshotError} from './train/snapshot.js';

/** What the option parser refuses. */
class UsageError extends Error {}

/** Files that cannot be opened, made or written: the system's own words name the path. */
function isOfSystem(error: unknown): boolean {
  return error instanceof Error && 'syscall' in error && 'code' in error;
}

/** Mistakes in what was asked, and things that are not there: no stack helps. */
const misuse = [UsageError, SettingError, ArgumentError, WindowError];
const damage = [
  CheckpointError,
  RunFolderError,
  SnapshotError,
  ModelFormatError,
  SafetensorsError,
  BackendError,
  CorpusError,
  TokenFileError,
  TokenizerError,
  DecodingStateError,
  EvaluationError,
  PassageError,
  WindowError,
];

function report(error: unknown): void {
  const misused = misuse.some(kind => error instanceof kind);
  const known = misused || isOfSystem(error) || damage.some(kind => error instanceof kind);
  const words =
    error instanceof Error ? (known ? error.message : (error.stack ?? error.message)) : String(error);
  process.stderr.write(`bmojo: ${words.replace(/^bmojo: /, '')}\n`);
  process.exitCode = misused ? 2 : 1;
}

/** The words before the first option: a command and what it is applied to. */
function commandWords(): string {
  const words = hideBin(process.argv);
  const options = words.findIndex(word => word.startsWith('-'));
  return (options < 0 ? words : words.slice(0, options)).join(' ');
}

/** What the option parser says of commands, in our words. */
function usageWords(message: string): string {
  const words = commandWords();
  if (message === NEEDS_COMMAND)
    return `there is no command '${words}'; see bmojo ${words.replace(/ [^ ]*$/, '')} --help`;
  if (message.startsWith('Not enough non-option arguments'))
    return `${words} lacks an argument; see bmojo ${words} --help`;
  return message.replace(/^Did you mean (.*)\?$/, `there is no command '${words}'; did you mean $1?`);
}

// A reader that went away, as in `bmojo ... | head`, ends the command without a word.
process.stdout.on('error', error => {
  if ('code' in error && error.code === 'EPIPE') process.exit(141);
  throw error;
});
enableProdMode();
try {
  await yargs(hideBin(process.argv))
    .scriptName('bmojo')
    .usage("$0 COMMAND\n\nB'MOJO sequence models: train, measure, compare.")
    .command(quickstartCommand)
    .command(dataCommand)
    .command(trainCommand)
    .command(generateCommand)
    .command(evalCommand)
    .command(compareCommand)
    .command(modelCommand)
    .command(verifyCommand)
    .command(kernelsCommand)
    .command(benchCommand([benchStepCommand]))
    .command(benchTensorFlowCommand)
    .command(doctorCommand)
    .demandCommand(1, 'a command is needed; see bmojo --help')
    .strictCommands()
    .recommendCommands()
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .fail((message, error) => {
      throw error ?? new UsageError(usageWords(message));
    })
    .parseAsync();
} catch (error) {
  report(error);
}
