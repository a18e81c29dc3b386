// Where the time of a training step goes on WebGPU: the captured step timed by kernel on the device's clock, and replayed
// as training would.

import {SettingError, said} from '../config/schema.js';
import type {KernelTime} from '../custom-ops/backends/webgpu/index.js';
import {CapturedStep, compiledPipelines, selfChecksDone} from '../custom-ops/backends/webgpu/index.js';
import {finishBackend, useWebGPU} from '../custom-ops/index.js';
import type {OpenWorkload} from '../experiments/families/index.js';
import {workloadFamily} from '../experiments/families/index.js';
import type {RunConfig} from '../experiments/run-config.js';
import {withRepeatedValues} from '../layers/initializers.js';
import {createSequenceModel} from '../models/create.js';
import {parameterCount} from '../models/parameters.js';
import {startLossScale} from '../train/loss-scale.js';
import {DeviceConstants} from '../train/objective.js';
import {AdamWOptimizer} from '../train/optimizer.js';
import {rateAt} from '../train/schedule.js';
import {update} from '../train/update.js';
import {median} from './timing.js';

export interface StepProfile {
  readonly device: string;
  /** In the order in which a step begins them; absent where they were not asked for. */
  readonly kernels?: readonly KernelTime[];
  readonly dispatches: number;
  /** Pipelines that the device compiled for the step, and for the first checks of its kernels. */
  readonly pipelines: number;
  /** Median milliseconds of the device for one step, all kernels in their order; absent as they are. */
  readonly deviceMs?: number;
  /** Median milliseconds of the host to draw the samples of a step, and to hand over its commands. */
  readonly drawMs: number;
  readonly replayMs: number;
  /** Of training: samples drawn, commands replayed, the loss read one step late. */
  readonly stepsPerSecond: number;
  readonly tokensPerSecond: number;
  /** Of the model. */
  readonly parameters: number;
  /** The most bytes that buffers of the device came to: the weights' and moments', the step's, and those kept for reuse. */
  readonly peakBytes: number;
}

export interface ProfileOptions {
  /** What is trained on. Default: the data of the task. */
  readonly open?: (config: RunConfig) => Pick<OpenWorkload, 'workload' | 'close'>;
  /** Seconds of training that are timed. Default 3. */
  readonly seconds?: number;
  /** Whether the device is timed, kernel by kernel: 21 steps and more. Default true. */
  readonly kernels?: boolean;
  readonly onProgress?: (done: number, of: number) => void;
}

/** Runs of a step after which it is surely captured, if it can be. */
const UNTIL_CAPTURED = 6;

/** Errors: SettingError for a step that cannot be captured, or a device without a clock; what `useWebGPU` refuses. */
export async function profileStep(
  config: RunConfig,
  {
    open: opened = one => workloadFamily(one.task).open(one),
    seconds = 3,
    kernels = true,
    onProgress,
  }: ProfileOptions = {},
): Promise<StepProfile> {
  const device = await useWebGPU();
  const {train: settings} = config;
  const open = opened(config);
  const model = withRepeatedValues(() => createSequenceModel(config.model, {recompute: settings.recompute}));
  const optimizer = new AdamWOptimizer(model.parameters(), settings);
  const constants = new DeviceConstants();
  const runner = new CapturedStep();
  const trainer = {model, optimizer, settings, constants, runner};
  let lossScale = model.usesFloat16 ? startLossScale(settings) : undefined;
  const {workload} = open;
  let step = 0;
  let drawMs: number[] = [];
  let replayMs: number[] = [];
  const issue = (): Promise<Float32Array> => {
    const begin = performance.now();
    const microBatches = workload.microBatches(settings, step * settings.batch, model);
    const drawn = performance.now();
    const updated = update(trainer, microBatches, [], rateAt(step, settings), ++step, lossScale);
    lossScale?.dispose();
    lossScale = updated.lossScale;
    drawMs.push(drawn - begin);
    replayMs.push(performance.now() - drawn);
    return updated.values;
  };
  try {
    if (workload.carries)
      throw new SettingError(
        'bench step',
        said`{segments} must be 1: with more there are several kinds of steps, and it times one`,
      );
    await issue();
    await selfChecksDone();
    while (runner.replays === 0 && step < UNTIL_CAPTURED) await issue();
    if (runner.replays === 0) throw new SettingError('bench step: this step cannot be captured (see above)');
    const pipelines = compiledPipelines();
    await finishBackend();
    const stepsPerSecond = await trainingRate(issue, seconds, () => {
      drawMs = [];
      replayMs = [];
    });
    const peakBytes = runner.deviceBytes;
    return {
      device: device.name,
      dispatches: runner.dispatchCount,
      pipelines,
      drawMs: median(drawMs),
      replayMs: median(replayMs),
      stepsPerSecond,
      tokensPerSecond: stepsPerSecond * settings.batch * workload.length,
      parameters: parameterCount(config.model),
      peakBytes,
      ...(kernels ? await timesOf(runner, device.name, onProgress) : {}),
    };
  } finally {
    lossScale?.dispose();
    runner.dispose();
    constants.dispose();
    optimizer.dispose();
    model.model.dispose();
    open.close();
  }
}

async function timesOf(
  runner: CapturedStep,
  device: string,
  onProgress: ProfileOptions['onProgress'],
): Promise<Required<Pick<StepProfile, 'kernels' | 'deviceMs'>>> {
  const whole = await runner.deviceTimes();
  const kernels = await runner.kernelTimes({}, onProgress);
  if (whole === undefined || kernels === undefined)
    throw new SettingError(`bench step: ${device} has no clock to read (timestamp-query)`);
  return {kernels, deviceMs: median(whole)};
}

/** Steps a second, of which each is read while the next is at work; `begin` is called when counting begins. */
async function trainingRate(
  issue: () => Promise<Float32Array>,
  seconds: number,
  begin: () => void,
): Promise<number> {
  await issue();
  begin();
  const start = performance.now();
  let steps = 0;
  let pending: Promise<Float32Array> | undefined;
  do {
    const next = issue();
    await pending;
    pending = next;
    steps++;
  } while (performance.now() - start < 1000 * seconds);
  await pending;
  return (1000 * steps) / (performance.now() - start);
}
