// bmojo bench step TASK: a training step on WebGPU by kernel, as a table or JSON.

import type {Argv, CommandModule} from 'yargs';
import type {StepProfile} from '../bench/step.js';
import {SettingError} from '../config/schema.js';
import {textTable} from '../eval/table.js';
import type {WorkloadFamily} from '../experiments/families/index.js';
import {workloadFamilies} from '../experiments/families/index.js';
import type {RunConfig} from '../experiments/run-config.js';
import {parseRunConfig} from '../experiments/run-config.js';
import {NEEDS_COMMAND, onlyOptions} from './command-line.js';
import {CountProgress} from './count-progress.js';
import {givenRun, runOptions} from './train.js';

type Args = Record<string, unknown>;

function configOf(family: WorkloadFamily, argv: Args): RunConfig {
  const given = givenRun(family, argv);
  if (given.backend !== undefined && given.backend !== 'auto' && given.backend !== 'webgpu')
    throw new SettingError(
      `bench step times the kernels of WebGPU: --backend must be webgpu, got ${String(given.backend)}`,
    );
  return parseRunConfig(family.name, {...given, backend: 'webgpu'});
}

/** `BMojoSelectiveScanGrad` as `selectiveScan backward`; tfjs's kernels keep their names. */
function readable(kernel: string): string {
  const found = /^BMojo(.)(.*?)(Grad)?$/.exec(kernel);
  if (found === null) return `tf ${kernel}`;
  const [, first, rest, gradient] = found;
  return `${first.toLowerCase()}${rest} ${gradient === undefined ? 'forward' : 'backward'}`;
}

function profileTable(profile: StepProfile): string {
  const {kernels, dispatches, pipelines, deviceMs, drawMs, replayMs, stepsPerSecond, tokensPerSecond} =
    profile;
  const sum = kernels.reduce((total, {ms}) => total + ms, 0);
  const rows = [...kernels]
    .sort((a, b) => b.ms - a.ms)
    .map(one => [
      readable(one.kernel),
      one.pass,
      one.sizes.length === 1 ? one.sizes[0] : `${one.sizes.length} sizes`,
      one.dispatches,
      one.ms.toFixed(3),
      ((1000 * one.ms) / one.dispatches).toFixed(1),
      `${((100 * one.ms) / sum).toFixed(1)} %`,
    ]);
  return [
    textTable([['kernel', 'pass', 'size', 'dispatches', 'ms', 'us each', 'share'], ...rows]),
    '',
    `device: ${deviceMs.toFixed(3)} ms a step, ${dispatches} dispatches (the kernels above, timed one by one: ${sum.toFixed(3)} ms)`,
    `${pipelines} pipelines were compiled before the first of these steps`,
    `host: ${replayMs.toFixed(3)} ms to replay a step, ${drawMs.toFixed(3)} ms to draw its samples`,
    `training: ${stepsPerSecond.toFixed(2)} steps/s, ${Math.round(tokensPerSecond)} tokens/s`,
  ].join('\n');
}

async function execute(family: WorkloadFamily, argv: Args): Promise<void> {
  const config = configOf(family, argv);
  // --help needs none of it.
  const {profileStep} = await import('../bench/step.js');
  const isText = argv.json !== true;
  let progress: CountProgress | undefined;
  const profile = await profileStep(config, {
    onProgress: (done, of) => {
      progress ??= new CountProgress(process.stderr, of);
      progress.advance(1, `kernel ${done} of ${of}`);
    },
  });
  progress?.end();
  const {data, model, train} = config;
  if (isText) {
    console.log(
      `device ${profile.device}\n${model.preset} on ${family.name}, batch ${train.batch}\n\n${profileTable(profile)}`,
    );
  } else {
    console.log(JSON.stringify({task: family.name, data, model, train, ...profile}));
  }
}

function taskCommand(family: WorkloadFamily): CommandModule<object, Args> {
  return {
    command: family.name,
    describe: family.summary,
    builder: yargs => {
      const options = {
        ...runOptions(family),
        json: {type: 'boolean' as const, describe: 'print one JSON object', group: 'Run'},
      };
      return yargs.options(options).check(onlyOptions(options));
    },
    handler: argv => execute(family, argv),
  };
}

export const benchStepCommand: CommandModule<object, Args> = {
  builder: (yargs: Argv<object>) =>
    workloadFamilies
      .reduce((builder, family) => builder.command(taskCommand(family)), yargs)
      .demandCommand(1, NEEDS_COMMAND),
  handler: () => {},
};
