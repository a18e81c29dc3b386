// Runs one pass on arrays, on the device of the current backend: for plans that no op's small tests would choose.

import {backend} from '@tensorflow/tfjs-core';
import {asRecorder} from '../../custom-ops/backends/webgpu/dispatch/recorder.js';
import type {Pass} from '../../custom-ops/wgsl/plan.js';
import {renderPass} from '../../custom-ops/wgsl/plan.js';

/** What the pass writes, of `words` numbers that are NaN before. */
export async function runPass(
  pass: Pass,
  inputs: Readonly<Record<string, Float32Array>>,
  words: number,
): Promise<Float32Array> {
  const {device} = asRecorder(backend());
  const upload = (values: Float32Array): GPUBuffer => {
    const buffer = device.createBuffer({
      size: values.byteLength,
      usage: GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_DST | GPUBufferUsage.COPY_SRC,
    });
    device.queue.writeBuffer(buffer, 0, values as Float32Array<ArrayBuffer>);
    return buffer;
  };
  const [output] = Object.keys(pass.write);
  const buffers = Object.keys(pass.read).map(name => upload(inputs[name]));
  const written = upload(new Float32Array(words).fill(Number.NaN));
  const module = device.createShaderModule({code: renderPass(pass), label: `${pass.name} ${output}`});
  const pipeline = device.createComputePipeline({layout: 'auto', compute: {module, entryPoint: 'main'}});
  const entries = [...buffers, written].map((buffer, binding) => ({binding, resource: {buffer}}));
  const encoder = device.createCommandEncoder();
  const commands = encoder.beginComputePass();
  commands.setPipeline(pipeline);
  commands.setBindGroup(0, device.createBindGroup({layout: pipeline.getBindGroupLayout(0), entries}));
  commands.dispatchWorkgroups(...pass.workgroups);
  commands.end();
  const read = device.createBuffer({
    size: 4 * words,
    usage: GPUBufferUsage.MAP_READ | GPUBufferUsage.COPY_DST,
  });
  encoder.copyBufferToBuffer(written, 0, read, 0, 4 * words);
  device.queue.submit([encoder.finish()]);
  await read.mapAsync(GPUMapMode.READ);
  const result = new Float32Array(read.getMappedRange().slice(0));
  for (const buffer of [...buffers, written, read]) buffer.destroy();
  return result;
}
