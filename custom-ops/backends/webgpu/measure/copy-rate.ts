// How fast the device itself copies: the floor that benchmarks compare kernels with.

import type {Pass} from '../../../wgsl/plan.js';
import {renderPass, spread, workgroupNumber, workgroupParameters} from '../../../wgsl/plan.js';
import type {Dispatch} from '../dispatch/dispatches.js';
import {encodeDispatches} from '../dispatch/dispatches.js';
import {asRecorder} from '../dispatch/recorder.js';
import {steadyTimes} from './device-clock.js';

const THREADS = 256;
/** Vectors that one thread copies: four keep more loads on their way than one. */
const EACH = 4;

function copyPass(vectors: number, workgroups: number): Pass {
  const moves = Array.from({length: EACH}, (_, i) => {
    const at = `workgroup * ${THREADS * EACH}u + ${i * THREADS}u + local`;
    return `if (${at} < ${vectors}u) { copied[${at}] = source[${at}]; }`;
  });
  return {
    name: 'copy',
    read: {source: 'vec4f'},
    write: {copied: 'vec4f'},
    workgroups: spread(Math.ceil(vectors / (THREADS * EACH)), {workgroups}),
    code: `
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  ${moves.join('\n  ')}
}`,
  };
}

/** Milliseconds that a busy device takes to copy `bytes` (a multiple of 16) within itself, the best of some rounds. */
export async function copyMilliseconds(backend: unknown, bytes: number): Promise<number> {
  const {device} = asRecorder(backend);
  const [source, copied] = [0, 1].map(() =>
    device.createBuffer({size: bytes, usage: GPUBufferUsage.STORAGE}),
  );
  const pass = copyPass(bytes / 16, device.limits.maxComputeWorkgroupsPerDimension);
  const module = device.createShaderModule({code: renderPass(pass), label: pass.name});
  const pipeline = device.createComputePipeline({layout: 'auto', compute: {module, entryPoint: 'main'}});
  const entries = [source, copied].map((buffer, binding) => ({binding, resource: {buffer}}));
  const group = device.createBindGroup({layout: pipeline.getBindGroupLayout(0), entries});
  const dispatch = {kernel: 'copy', size: '', pipeline, group, offsets: [], workgroups: pass.workgroups};
  const rounds =
    (await steadyTimes(device, [dispatch], {rounds: 5, totalMs: 1000})) ??
    (await hostTimes(device, dispatch));
  source.destroy();
  copied.destroy();
  return Math.min(...rounds);
}

/** The same on the host's clock, for a device without one. */
async function hostTimes(device: GPUDevice, dispatch: Dispatch): Promise<number[]> {
  const copies = async (count: number): Promise<number> => {
    const start = performance.now();
    const encoder = device.createCommandEncoder();
    const commands = encoder.beginComputePass();
    for (let i = 0; i < count; i++) encodeDispatches(commands, [dispatch]);
    commands.end();
    device.queue.submit([encoder.finish()]);
    await device.queue.onSubmittedWorkDone();
    return (performance.now() - start) / count;
  };
  await copies(2);
  const count = Math.max(1, Math.min(100, Math.round(30 / (await copies(1)))));
  const rounds: number[] = [];
  for (let round = 0; round < 5; round++) rounds.push(await copies(count));
  return rounds;
}
