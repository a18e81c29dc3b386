#!/usr/bin/env node
// The command `bmojo`: one file per command; errors of the user in one line, ours with their stack.

import {enableProdMode} from '@tensorflow/tfjs-core';
import yargs from 'yargs';
import {hideBin} from 'yargs/helpers';
import {benchCommand} from './cli/bench.js';
import {benchTensorFlowCommand} from './cli/bench-tensorflow.js';
import {NEEDS_COMMAND} from './cli/command-line.js';
import {compareCommand} from './cli/compare.js';
import {dataCommand} from './cli/data.js';
import {doctorCommand} from './cli/doctor.js';
import {evalCommand} from './cli/eval.js';
import {generateCommand} from './cli/generate.js';
import {kernelsCommand} from './cli/kernels.js';
import {modelCommand} from './cli/model.js';
import {guardOutput} from './cli/output.js';
import {quickstartCommand} from './cli/quickstart.js';
import {trainCommand} from './cli/train.js';
import {verifyCommand} from './cli/verify.js';
import {BmojoError} from './errors/bmojo-error.js';
import {errorWords, isForUsers} from './errors/error-words.js';
import {oneLine} from './errors/shown.js';

/** What the option parser refuses. */
class UsageError extends BmojoError {
  override readonly name = 'UsageError';
  readonly kind = 'misuse';
}

function report(error: unknown): void {
  const words = errorWords(error).replace(/^bmojo: /, '');
  process.stderr.write(`bmojo: ${isForUsers(error) ? oneLine(words) : words}\n`);
  process.exitCode = error instanceof BmojoError && error.kind === 'misuse' ? 2 : 1;
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

/** Errors: UsageError for an option that every object has, such as --toString, which the option parser takes for known. */
function refuseInherited(words: readonly string[]): void {
  for (const word of words) {
    if (word === '--') return;
    const name = /^--(?:no-)?([^=.]+)/.exec(word)?.[1] ?? '';
    const camel = name.replace(/-(.)/g, (_, letter: string) => letter.toUpperCase());
    if (name in Object.prototype || camel in Object.prototype)
      throw new UsageError(`unknown option --${name}; see --help`);
  }
}

guardOutput();
enableProdMode();
try {
  refuseInherited(hideBin(process.argv));
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
    .command(benchCommand)
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
