// `bmojo eval WHAT`: evaluations of trained models, one subcommand each.

import type {Argv, CommandModule} from 'yargs';
import {taskFamilies} from '../data/families.js';
import {NEEDS_COMMAND} from './command-line.js';
import {lambadaCommand} from './eval-lambada.js';
import {memoryCommand} from './eval-memory.js';
import {needleTextCommand} from './eval-needle-text.js';
import {perplexityCommand} from './eval-perplexity.js';
import {reportCommand} from './eval-report.js';
import {taskEvaluation} from './eval-task.js';

export const evalCommand: CommandModule<object, Record<string, unknown>> = {
  command: 'eval <what>',
  describe: 'measure a trained model',
  builder: (yargs: Argv<object>) => {
    for (const family of taskFamilies) yargs.command(taskEvaluation(family));
    return yargs
      .command(perplexityCommand)
      .command(lambadaCommand)
      .command(needleTextCommand)
      .command(memoryCommand)
      .command(reportCommand)
      .demandCommand(1, NEEDS_COMMAND);
  },
  handler: () => {},
};
