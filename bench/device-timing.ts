// Times of a GPU alone: a run is captured and replayed on the device's own clock.

import type {Tensor} from '@tensorflow/tfjs-core';
import {dispose} from '@tensorflow/tfjs-core';
import type {ClockOptions} from '../custom-ops/backends/webgpu/index.js';
import {CapturedStep, selfChecksDone} from '../custom-ops/backends/webgpu/index.js';
import {finishBackend} from '../custom-ops/index.js';
import type {Timing} from './timing.js';
import {timingOf} from './timing.js';

/**
 * Median milliseconds of a busy device for one run, with neither the host's work nor new memory in it. Undefined where the
 * run cannot be captured, or the device has no clock. The tensors that `run` returns are disposed.
 */
export async function deviceTiming(run: () => Tensor[], options?: ClockOptions): Promise<Timing | undefined> {
  const refusals: string[] = [];
  const runner = new CapturedStep({onRefusal: reason => refusals.push(reason)});
  try {
    const once = (): void => dispose(runner.run({inputs: [], body: run}));
    once();
    await selfChecksDone();
    for (let again = 0; again < 2 && refusals.length === 0; again++) once(); // recorded, and confirmed
    await finishBackend();
    const times = refusals.length === 0 ? await runner.deviceTimes(options) : undefined;
    return times && timingOf(times, 'device');
  } finally {
    runner.dispose();
  }
}
