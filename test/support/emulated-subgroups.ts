// Subgroups of 32 on a device whose own are narrower: exchanges go through workgroup memory. For code that meets all its
// exchanges with all threads of a workgroup, as ours does.

import {backend} from '@tensorflow/tfjs-core';
import {asRecorder} from '../../custom-ops/backends/webgpu/dispatch/recorder.js';
import {webgpuDebug} from '../../custom-ops/backends/webgpu/index.js';

const exchange = `
var<private> emulatedThread: u32;
var<workgroup> exchanged: array<f32, 256>;
fn emulatedShuffle(value: f32, lane: u32) -> f32 {
  exchanged[emulatedThread] = value;
  workgroupBarrier();
  let result = exchanged[emulatedThread - emulatedThread % 32u + lane];
  workgroupBarrier();
  return result;
}
// Of the whole workgroup: its threads have to meet at the next exchange.
var<workgroup> isAny: u32;
fn emulatedAny(value: bool) -> bool {
  workgroupBarrier();
  if (emulatedThread == 0u) { isAny = 0u; }
  workgroupBarrier();
  if (value) { isAny = 1u; }
  return workgroupUniformLoad(&isAny) == 1u;
}
fn emulatedShuffleXor(value: f32, mask: u32) -> f32 {
  return emulatedShuffle(value, (emulatedThread % 32u) ^ mask);
}
`;

function emulate(code: string): string {
  const parameter = ', @builtin(subgroup_invocation_id) subgroupLane: u32';
  if (!code.includes(parameter)) return code;
  return (
    code
      .replace('enable subgroups;', '')
      .replace(parameter, '')
      .replace(
        /fn main\([^{]*\{/,
        main => `${main}\n  emulatedThread = local;\n  let subgroupLane = local % 32u;`,
      )
      .replaceAll('subgroupShuffle', 'emulatedShuffle')
      .replaceAll('subgroupAny', 'emulatedAny') + exchange
  );
}

/** Runs `body` with kernels made for subgroups of 32. */
export async function withWideSubgroups(body: () => Promise<void>): Promise<void> {
  const {device} = asRecorder(backend());
  const create = device.createShaderModule.bind(device);
  device.createShaderModule = descriptor => create({...descriptor, code: emulate(descriptor.code)});
  webgpuDebug.limits = {subgroup: 32};
  try {
    await body();
  } finally {
    webgpuDebug.limits = {};
    device.createShaderModule = create;
  }
}
