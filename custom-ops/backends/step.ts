// Makes the runner of a step that the current backend has: recorded and replayed, or op by op.

import {getBackend} from '@tensorflow/tfjs-core';
import type {StepRunner, StepRunnerOptions} from './step-call.js';
import {runDirectly} from './step-call.js';

/**
 * Makes a runner for one step on the current backend. On `webgpu` and `tensorflow` the third run is recorded and later ones
 * replay its GPU commands, or its ops, bit for bit the same, at a fraction of the cost of issuing them; with `capture` false,
 * and on other backends, every run goes op by op.
 *
 * A step that reads values back, or takes values from the host that are not among its inputs, is not recorded, nor are runs
 * of further kinds; a warning says so once, and they go op by op.
 */
export async function createStepRunner({capture = true, kinds}: StepRunnerOptions = {}): Promise<StepRunner> {
  if (capture && getBackend() === 'webgpu') {
    const {CapturedStep} = await import('./webgpu/capture/captured-step.js');
    return new CapturedStep({kinds});
  }
  if (capture && getBackend() === 'tensorflow') {
    const {CapturedStep} = await import('./tensorflow/captured-step.js');
    return new CapturedStep({kinds});
  }
  return {run: runDirectly, replays: 0, dispose: () => {}};
}
