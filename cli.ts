#!/usr/bin/env node
// The command `bmojo`: one file per command; errors of the user in one line, ours with their stack.

import yargs from 'yargs';
import {hideBin} from 'yargs/helpers';
import {asOption, NEEDS_COMMAND} from './cli/command-line.js';
import {addCommands} from './cli/commands.js';
import {Examples} from './cli/examples.js';
import {guardOutput} from './cli/output.js';
import {withNegativeNumbers} from './cli/typed-options.js';
import {optionName, SettingError} from './config/schema.js';
import {BmojoError} from './errors/bmojo-error.js';
import {errorWords, isForUsers} from './errors/error-words.js';
import {oneLine} from './errors/shown.js';

/** What the option parser refuses. */
class UsageError extends BmojoError {
  override readonly name = 'UsageError';
  readonly kind = 'misuse';
}

function report(error: unknown): void {
  const said = error instanceof SettingError ? error.named(asOption) : errorWords(error);
  const words = said.replace(/^bmojo: /, '');
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
  const bare = /^Not enough arguments following: (.*)/.exec(message);
  if (bare !== null) return `--${optionName(bare[1])} needs a value, got none; see --help`;
  if (message.startsWith('Not enough non-option arguments'))
    return `${words} lacks an argument; see bmojo ${words} --help`;
  const choice = /^Invalid values:\s+Argument: (\S+), Given: (.*), Choices: (.*)/.exec(message);
  if (choice !== null) {
    const [, option, given, choices] = choice.map(word => word.replaceAll('"', ''));
    return `--${optionName(option)} must be one of ${choices}, got ${given}`;
  }
  const missing = /^Missing required arguments?: (.*)/.exec(message);
  if (missing !== null)
    return `${words} needs ${missing[1].replace(/[\w-]+/g, name => `--${optionName(name)}`)}; see bmojo ${words} --help`;
  const unknown = /^Unknown commands?: (.*)/s.exec(message)?.[1];
  if (unknown !== undefined && !words.split(' ').some(word => unknown.split(', ').includes(word)))
    return `'${unknown}' belongs to no option; see bmojo ${words} --help`;
  if (unknown !== undefined) return `there is no command '${words}'; see bmojo --help`;
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
try {
  refuseInherited(hideBin(process.argv));
  const examples = new Examples();
  const parser = yargs(withNegativeNumbers(hideBin(process.argv)));
  examples.standIn(parser);
  await addCommands(parser)
    .scriptName('bmojo')
    .usage("$0 COMMAND\n\nB'MOJO sequence models: train, measure, compare.")
    .demandCommand(1, 'a command is needed; see bmojo --help')
    .strictCommands()
    .recommendCommands()
    .wrap(Math.min(110, process.stdout.columns ?? 110))
    .fail((message, error) => {
      throw error ?? new UsageError(usageWords(message));
    })
    .parseAsync(withNegativeNumbers(hideBin(process.argv)), {}, (_, __, help) => {
      if (help !== '') console.log(examples.putInto(help));
    });
} catch (error) {
  // Commands that are loaded when they are asked for refuse past `fail`.
  const isOfParser = error instanceof Error && error.name === 'YError';
  report(isOfParser ? new UsageError(usageWords(error.message)) : error);
}
