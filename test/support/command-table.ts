// Every command of the command line with its options and checks, as an option parser would be told of them.

import type {Argv} from 'yargs';
import {addCommands} from '../../cli/commands.js';
import type {OptionShape} from '../../cli/typed-options.js';

export type Check = (argv: Readonly<Record<string, unknown>>) => unknown;

export interface TabledCommand {
  readonly words: string;
  options: Readonly<Record<string, OptionShape>>;
  check?: Check;
}

interface Module {
  readonly command: string;
  readonly builder: (yargs: Argv) => unknown;
}

/** Builds all commands with a stand-in that notes what the option parser would be told. */
export async function allCommands(): Promise<TabledCommand[]> {
  const found: TabledCommand[] = [];
  const visit = async (words: string, build: (yargs: Argv) => unknown): Promise<void> => {
    const own: TabledCommand = {words, options: {}};
    const below: Module[] = [];
    const recorder: Argv = new Proxy({} as Argv, {
      get: (_, name) => {
        // A promise asks for it.
        if (name === 'then') return undefined;
        return (...given: unknown[]): unknown => {
          if (name === 'options') own.options = given[0] as TabledCommand['options'];
          if (name === 'check') own.check = given[0] as Check;
          if (name === 'command') below.push(given[0] as Module);
          return recorder;
        };
      },
    });
    await build(recorder);
    if (own.check !== undefined) found.push(own);
    for (const {command, builder} of below)
      await visit(`${words} ${command.split(' ')[0]}`.trim(), builder as (yargs: Argv) => unknown);
  };
  await visit('', addCommands);
  return found;
}
