// Devices that kernels are planned for where they are not: limits of WebGPU and kinds of matrix units.

import type {MatrixUnit} from '../../custom-ops/wgsl/matrix-units.js';
import type {GpuLimits} from '../../custom-ops/wgsl/plan.js';
import {unitsOf} from './emulated-matrices.js';

export const squareUnit: MatrixUnit = {rows: 16, columns: 16, inner: 16, factor: 'f16', sum: 'f32'};
export const oblongUnit: MatrixUnit = {...squareUnit, columns: 8};
export const appleUnits: readonly MatrixUnit[] = [
  {rows: 8, columns: 8, inner: 8, factor: 'f32', sum: 'f32'},
  {rows: 8, columns: 8, inner: 8, factor: 'f16', sum: 'f16'},
];

/** What every device offers: neither subgroups nor matrix units. */
export const least: GpuLimits = {
  invocations: 256,
  workgroupBytes: 16384,
  storageBuffers: 8,
  bindingBytes: 2 ** 27,
  workgroups: 65535,
  subgroup: 0,
};
/** SwiftShader, on which the tests run, with code as graphics cards get it. */
export const software: GpuLimits = {
  ...least,
  workgroupBytes: 32768,
  storageBuffers: 12,
  bindingBytes: 2 ** 30,
  subgroup: 4,
};
/** A card of NVIDIA. */
export const nvidia: GpuLimits = {
  ...least,
  invocations: 1024,
  workgroupBytes: 49152,
  storageBuffers: 16,
  bindingBytes: 2 ** 31,
  subgroup: 32,
  matrixUnits: unitsOf([oblongUnit, squareUnit]),
};
export const apple: GpuLimits = {...nvidia, workgroupBytes: 32768, matrixUnits: unitsOf(appleUnits)};
