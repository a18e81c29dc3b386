// bmojo bench step TASK: a training step on WebGPU by kernel, as a table or JSON.

import type {Argv, CommandModule} from 'yargs';
import {openRandomText, randomTextConfig} from '../bench/random-text.js';
import type {ProfileOptions, StepProfile} from '../bench/step.js';
import {SettingError} from '../config/schema.js';
import type {KernelTime} from '../custom-ops/backends/webgpu/index.js';
import {textTable} from '../eval/table.js';
import type {WorkloadFamily} from '../experiments/families/index.js';
import {workloadFamilies} from '../experiments/families/index.js';
import type {GivenRun, RunConfig} from '../experiments/run-config.js';
import {parseRunConfig} from '../experiments/run-config.js';
import {NEEDS_COMMAND, onlyOptions} from './command-line.js';
import {CountProgress} from './count-progress.js';
import {wholeOption} from './number-options.js';
import {givenRun, runOptions} from './train.js';

type Args = Record<string, unknown>;

/** For tasks that read a text. */
const vocabularyOption = wholeOption(
  'random ids below this one in place of --data: what a step costs depends on no text',
  2,
  1 << 24,
);

/** What is asked for, and how its workload is opened where that is not the task's data. */
function stepOf(family: WorkloadFamily, argv: Args): {config: RunConfig; open?: ProfileOptions['open']} {
  const given = webgpuRun(family, argv);
  if (argv.vocabulary === undefined) return {config: parseRunConfig(family.name, given)};
  return {config: randomTextConfig(Number(argv.vocabulary), given), open: openRandomText};
}

function webgpuRun(family: WorkloadFamily, argv: Args): GivenRun {
  const given = givenRun(family, argv);
  if (given.backend !== undefined && given.backend !== 'auto' && given.backend !== 'webgpu')
    throw new SettingError(
      `bench step times the kernels of WebGPU: --backend must be webgpu, got ${String(given.backend)}`,
    );
  return {...given, backend: 'webgpu'};
}

/** `BMojoSelectiveScanGrad` as `selectiveScan backward`; tfjs's kernels keep their names. */
function readable(kernel: string): string {
  const found = /^BMojo(.)(.*?)(Grad)?$/.exec(kernel);
  if (found === null) return `tf ${kernel}`;
  const [, first, rest, gradient] = found;
  return `${first.toLowerCase()}${rest} ${gradient === undefined ? 'forward' : 'backward'}`;
}

function kernelTable(kernels: readonly KernelTime[]): string {
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
  return textTable([['kernel', 'pass', 'size', 'dispatches', 'ms', 'us each', 'share'], ...rows]);
}

function profileWords(profile: StepProfile): string {
  const {kernels, deviceMs, dispatches, pipelines, drawMs, replayMs} = profile;
  const {stepsPerSecond, tokensPerSecond, parameters, peakBytes} = profile;
  const sum = kernels?.reduce((total, {ms}) => total + ms, 0);
  const device = `device: ${deviceMs?.toFixed(3)} ms a step, ${dispatches} dispatches (the kernels above, timed one by one: ${sum?.toFixed(3)} ms)`;
  const work = 6 * parameters * tokensPerSecond;
  return [
    ...(kernels === undefined ? [`${dispatches} dispatches a step`] : [kernelTable(kernels), '', device]),
    `${pipelines} pipelines were compiled before the first of these steps`,
    `host: ${replayMs.toFixed(3)} ms to replay a step, ${drawMs.toFixed(3)} ms to draw its samples`,
    `training: ${stepsPerSecond.toPrecision(4)} steps/s, ${Math.round(tokensPerSecond)} tokens/s; ${(work / 1e12).toPrecision(3)} TFLOP/s by 6 operations a parameter and token`,
    `memory: ${(peakBytes / 2 ** 30).toPrecision(3)} GiB of buffers at most; ${parameters} parameters`,
  ].join('\n');
}

function subject({name}: WorkloadFamily, {vocabulary}: Args): string {
  return vocabulary === undefined ? name : `${name} of random ids below ${vocabulary}`;
}

async function execute(family: WorkloadFamily, argv: Args): Promise<void> {
  const {config, open} = stepOf(family, argv);
  // --help needs none of it.
  const {profileStep} = await import('../bench/step.js');
  const isText = argv.json !== true;
  let progress: CountProgress | undefined;
  const profile = await profileStep(config, {
    open,
    kernels: argv.kernels !== false,
    onProgress: (done, of) => {
      progress ??= new CountProgress(process.stderr, of);
      progress.advance(1, `kernel ${done} of ${of}`);
    },
  });
  progress?.end();
  const {data, model, train} = config;
  if (isText) {
    console.log(
      `device ${profile.device}\n${model.preset} on ${subject(family, argv)}, batch ${train.batch}\n\n${profileWords(profile)}`,
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
        ...('data' in family.schema ? {vocabulary: {...vocabularyOption, group: 'Run'}} : {}),
        kernels: {
          type: 'boolean' as const,
          default: true,
          describe: 'time the device and each kernel; --no-kernels where a step takes seconds',
          group: 'Run',
        },
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
