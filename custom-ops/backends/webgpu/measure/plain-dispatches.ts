// WebGPU's own calls and nothing else: what it costs to issue operations without TensorFlow.js. A replayed step, whose
// commands are encoded ahead, can cost less.

import {elementwisePass} from '../../../wgsl/elementwise.js';
import type {Dispatch} from '../dispatch/dispatches.js';
import {encodeDispatches, IN_PART} from '../dispatch/dispatches.js';
import {Pipelines} from '../dispatch/pipelines.js';
import {asRecorder} from '../dispatch/recorder.js';

/**
 * Encodes and submits `count` additions of `length` numbers, each of the result before, at every call of `run`; what can be
 * made beforehand is.
 */
export function plainDispatches(
  backend: unknown,
  count: number,
  length: number,
): {run(): void; dispose(): void} {
  const {device} = asRecorder(backend);
  const pipelines = new Pipelines(device);
  const pass = elementwisePass(
    {
      name: 'add',
      read: {a: 'f32', b: 'f32'},
      write: {sum: 'f32'},
      count: length,
      body: 'sum[index] = a[index] + b[0];',
    },
    {workgroups: device.limits.maxComputeWorkgroupsPerDimension},
  );
  const compiled = pipelines.compile(pass);
  const make = (): GPUBuffer => device.createBuffer({size: 4 * length, usage: GPUBufferUsage.STORAGE});
  const one = make();
  const chain = Array.from({length: count + 1}, make);
  const dispatches = chain.slice(1).map(
    (sum, i): Dispatch => ({
      kernel: 'add',
      size: '',
      pipeline: compiled.pipeline,
      group: pipelines.bindGroup(compiled, [chain[i], one, sum]),
      offsets: [],
      workgroups: pass.workgroups,
    }),
  );
  return {
    run: () => {
      for (let begin = 0; begin < count; begin += IN_PART) {
        const encoder = device.createCommandEncoder();
        const commands = encoder.beginComputePass();
        encodeDispatches(commands, dispatches.slice(begin, begin + IN_PART));
        commands.end();
        device.queue.submit([encoder.finish()]);
      }
    },
    dispose: () => {
      for (const buffer of [one, ...chain]) buffer.destroy();
    },
  };
}
