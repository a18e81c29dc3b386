// `bmojo eval WHAT`: evaluations of trained models, one subcommand each.

import type {Argv, CommandModule} from 'yargs';
import {taskFamilies} from '../data/families.js';
import {NEEDS_COMMAND} from './command-line.js';
import {lazy} from './lazy.js';

export const evalCommand: CommandModule<object, Record<string, unknown>> = {
  builder: (yargs: Argv<object>) => {
    for (const family of taskFamilies)
      yargs.command(
        lazy(family.name, family.summary, async () =>
          (await import('./eval-task.js')).taskEvaluation(family),
        ),
      );
    return yargs
      .command(
        lazy(
          'perplexity',
          'language: loss by length of the prefix (the same last tokens each time) and by position',
          async () => (await import('./eval-perplexity.js')).perplexityCommand,
        ),
      )
      .command(
        lazy(
          'lambada <file>',
          'language: the last word of each passage of a file of yours, accuracy and perplexity',
          async () => (await import('./eval-lambada.js')).lambadaCommand,
        ),
      )
      .command(
        lazy(
          'needle-text',
          'language: needles in a haystack of text, single, multi-key and multi-value, by length and depth',
          async () => (await import('./eval-needle-text.js')).needleTextCommand,
        ),
      )
      .command(
        lazy(
          'memory',
          'what each layer stores of a sequence, when and why, and how attention divides over its memories',
          async () => (await import('./eval-memory.js')).memoryCommand,
        ),
      )
      .command(
        lazy(
          'report <runs..>',
          'one self-contained HTML file of runs: settings, learning curves, every evaluation with its source',
          async () => (await import('./eval-report.js')).reportCommand,
        ),
      )
      .demandCommand(1, NEEDS_COMMAND);
  },
  handler: () => {},
};
