// `bmojo quickstart`: what `npm run quickstart` runs after building.

import {availableParallelism} from 'node:os';
import {join} from 'node:path';
import type {CommandModule} from 'yargs';
import {backendNames} from '../custom-ops/index.js';
import {evaluationCommand, reportQuickstart, trainQuickstart} from '../experiments/quickstart.js';
import {duration} from '../train/pace.js';
import {onlyOptions} from './command-line.js';
import {withInterrupts} from './interrupts.js';
import {wholeOption} from './number-options.js';
import {SetProgress} from './set-progress.js';

export const quickstartCommand: CommandModule<object, Record<string, unknown>> = {
  builder: yargs => {
    const options = {
      out: {
        type: 'string' as const,
        default: join('runs', 'quickstart'),
        describe: 'folder for runs and report',
        writes: 'runs' as const,
      },
      backend: {
        type: 'string' as const,
        choices: backendNames,
        default: 'wasm',
        describe: 'where tensors are computed',
      },
      steps: wholeOption('updates of each model at most, 2400 unless given'),
      json: {type: 'boolean' as const, describe: 'print events and what came out as JSON lines'},
      jobs: {...wholeOption('runs at the same time'), default: Math.min(2, availableParallelism())},
    };
    return yargs.options(options).check(onlyOptions(options));
  },
  handler: async argv => {
    const options = {
      out: String(argv.out),
      backend: String(argv.backend),
      jobs: Number(argv.jobs),
      ...(argv.steps === undefined ? {} : {steps: Number(argv.steps)}),
    };
    const started = Date.now();
    const json = argv.json === true;
    const progress = new SetProgress({output: process.stdout, json});
    const say = (words: string): void => {
      if (!json) console.log(words);
    };
    say(
      'Recall: 8 key-value pairs in 64 tokens, windows of 8 in 2 layers. Three of five questions are about pairs that lie\n' +
        "farther back than the windows reach; B'MOJO keeps them in its eidetic memory.\n",
    );
    const interrupted = await withInterrupts(async signal => {
      for await (const event of trainQuickstart({...options, signal})) progress.show(event);
      return signal.aborted;
    });
    progress.endLine();
    if (interrupted) {
      say('stopped; the same command continues');
      process.exitCode = 130;
      return;
    }
    const {rows, words} = await reportQuickstart(options);
    if (json) console.log(JSON.stringify({type: 'compared', rows}));
    say(`\n${words}\n`);
    say(`took ${duration((Date.now() - started) / 1000)}; in ${options.out}:`);
    say('  result.md, result.json, curve.svg   the comparison');
    say('  bmojo/model/                        the trained model; tf.loadLayersModel reads it');
    say(`  bmojo/checkpoint/                   ${evaluationCommand(options.out)}`);
  },
};
