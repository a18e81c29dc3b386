// Which matrix units a device has, and in which words its WGSL takes them.

import type {MatrixSyntax, MatrixUnit, MatrixUnits} from '../../../wgsl/matrix-units.js';
import {MatrixCode, matrixDirectives} from '../../../wgsl/matrix-units.js';

/** Still an extension of browsers, so that the types of WebGPU do not know it. */
export const matrixFeature = 'chromium-experimental-subgroup-matrix' as GPUFeatureName;

/** What an adapter says of one kind of matrices, beside what the types know of adapters. */
interface MatrixConfig {
  readonly componentType: string;
  readonly resultComponentType: string;
  readonly M: number;
  readonly N: number;
  readonly K: number;
}

interface MatrixInfo {
  readonly subgroupMatrixConfigs?: Iterable<MatrixConfig>;
}

const isFloat = (type: string): type is 'f16' | 'f32' => type === 'f16' || type === 'f32';

/** The kinds for floating-point numbers. */
export function matrixKinds({subgroupMatrixConfigs = []}: MatrixInfo): MatrixUnit[] {
  return [...subgroupMatrixConfigs].flatMap(({componentType: factor, resultComponentType: sum, M, N, K}) =>
    isFloat(factor) && isFloat(sum) ? [{rows: M, columns: N, inner: K, factor, sum}] : [],
  );
}

const known = new WeakMap<GPUDevice, MatrixUnits>();

/** The units of a device that {@link findMatrixUnits} has looked at. */
export function matrixUnitsOf(device: GPUDevice): MatrixUnits | undefined {
  return known.get(device);
}

/** Looks for a device's units; kept for {@link matrixUnitsOf}. None where subgroups differ in size: plans count on it. */
export async function findMatrixUnits(
  device: GPUDevice,
  info: GPUAdapterInfo & MatrixInfo,
): Promise<MatrixUnits | undefined> {
  const needed: readonly GPUFeatureName[] = [matrixFeature, 'shader-f16', 'subgroups'];
  if (!needed.every(feature => device.features.has(feature))) return undefined;
  const kinds = matrixKinds(info);
  const lanes = info.subgroupMinSize;
  if (kinds.length === 0 || lanes === undefined || lanes !== info.subgroupMaxSize) return undefined;
  for (const syntax of ['layout', 'flag'] as const) {
    if (!(await isUnderstood(device, kinds[0], syntax, lanes))) continue;
    const units = {kinds, syntax, lanes};
    known.set(device, units);
    return units;
  }
  return undefined;
}

async function isUnderstood(
  device: GPUDevice,
  kind: MatrixUnit,
  syntax: MatrixSyntax,
  lanes: number,
): Promise<boolean> {
  const code = new MatrixCode(kind, syntax);
  const {type, size} = code.element;
  device.pushErrorScope('validation');
  device.createShaderModule({
    label: `matrices by ${syntax}`,
    code: `${matrixDirectives}
var<workgroup> tile: array<${type}, ${(kind.rows * kind.inner) / size}>;
@compute @workgroup_size(${lanes})
fn main() { let left = ${code.load('left', 'tile', '0u', kind.inner / size, 'rows')}; }`,
  });
  return (await device.popErrorScope()) === null;
}

/** What a device does with products that are asked for in float16, in words, and what would make them faster. */
export function describeMatrixUnits(units: MatrixUnits | undefined, inNode: boolean): string {
  if (units !== undefined) {
    const sizes = units.kinds
      .filter(({sum}) => sum === 'f32')
      .map(({factor, rows, columns, inner}) => `${factor} ${rows}x${columns}x${inner}`);
    if (sizes.length > 0) return `matrix units ${sizes.join(', ')}`;
  }
  const why = inNode
    ? 'the adapter offers no chromium-experimental-subgroup-matrix with shader-f16 through Dawn'
    : 'Chrome and Edge offer them when started with --enable-unsafe-webgpu';
  return `no matrix units: float16 rounds factors to it and multiplies in float32, no faster (${why})`;
}
