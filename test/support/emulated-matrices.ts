// Matrix units on a device without: every lane holds all of every matrix, and float16 is float32 rounded to it. For code
// that meets its matrices with all lanes of a subgroup, as ours does. Few large matrices: each is code of its own here.

import {backend} from '@tensorflow/tfjs-core';
import {asRecorder} from '../../custom-ops/backends/webgpu/dispatch/recorder.js';
import {webgpuDebug} from '../../custom-ops/backends/webgpu/index.js';
import type {MatrixUnit, MatrixUnits} from '../../custom-ops/wgsl/matrix-units.js';
import {matrixDirectives} from '../../custom-ops/wgsl/matrix-units.js';
import type {GpuLimits} from '../../custom-ops/wgsl/plan.js';

export const LANES = 32;

export const tallUnit: MatrixUnit = {rows: 32, columns: 16, inner: 16, factor: 'f16', sum: 'f32'};
export const wideUnit: MatrixUnit = {rows: 16, columns: 32, inner: 32, factor: 'f16', sum: 'f32'};
export const fullUnit: MatrixUnit = {rows: 16, columns: 16, inner: 32, factor: 'f32', sum: 'f32'};

export function unitsOf(kinds: readonly MatrixUnit[]): MatrixUnits {
  return {kinds, syntax: 'layout', lanes: LANES};
}

/** WGSL of the number at `index` of a buffer, whose elements the code declares. */
function numberAt(code: string, buffer: string, index: string): string {
  return new RegExp(`\\b${buffer}: array<vec4`).test(code)
    ? `${buffer}[(${index}) / 4u][(${index}) % 4u]`
    : `${buffer}[${index}]`;
}

function elementSize(code: string, buffer: string): number {
  return new RegExp(`\\b${buffer}: array<vec4`).test(code) ? 4 : 1;
}

/** Exchanges between lanes, by way of workgroup memory; for code that all threads of a workgroup meet. */
const exchange = `
var<private> emulatedThread: u32;
var<workgroup> exchanged: array<f32, 256>;
fn subgroupShuffleXorOfEmulated(value: f32, mask: u32) -> f32 {
  exchanged[emulatedThread] = value;
  workgroupBarrier();
  let result = exchanged[emulatedThread ^ mask];
  workgroupBarrier();
  return result;
}`;

/** To the nearest, as GPUs round; what software GPUs do cuts digits off. */
const half = `
fn emulatedHalf(value: vec4f) -> vec4f {
  return quantizeToF16(bitcast<vec4f>((bitcast<vec4u>(value) + vec4u(0x1000u)) & vec4u(0xffffe000u)));
}`;

function emulate(code: string): string {
  if (!code.includes(matrixDirectives)) return code;
  const functions = new Map<string, string>();
  const type = String.raw`subgroup_matrix_(left|right|result)<f(?:16|32), (\d+), (\d+)>`;
  const sizes = Object.fromEntries(
    [...code.matchAll(new RegExp(type, 'g'))].map(([, part, columns, rows]) => [
      part,
      {columns: Number(columns), rows: Number(rows)},
    ]),
  );
  const arrayOf = (part: string): string => `array<f32, ${sizes[part].rows * sizes[part].columns}>`;
  let plain = code
    .replace(matrixDirectives, '')
    .replace(
      new RegExp(`let (\\w+) = subgroupMatrixLoad<${type}, (row|col)_major>\\(&(\\w+), `, 'g'),
      (_, variable, part, columns, rows, layout, buffer) => {
        const name = `load_${part}_${layout}_${buffer}`;
        const size = elementSize(code, buffer);
        const index =
          layout === 'row' ? `${size}u * (at + r * stride) + c` : `${size}u * (at + c * stride) + r`;
        functions.set(
          name,
          `fn ${name}(m: ptr<function, ${arrayOf(part)}>, at: u32, stride: u32) {
  for (var r = 0u; r < ${rows}u; r++) { for (var c = 0u; c < ${columns}u; c++) { (*m)[r * ${columns}u + c] = ${numberAt(code, buffer, index)}; } }
}`,
        );
        return `var ${variable}: ${arrayOf(part)}; ${name}(&${variable}, `;
      },
    )
    .replace(
      /subgroupMatrixStore<row_major>\(&(\w+), ([^;]*), (\w+), (\w+)\);/g,
      (_, buffer, at, value, stride) => {
        const {rows, columns} = sizes.result;
        const size = elementSize(code, buffer);
        const name = `store_${buffer}`;
        functions.set(
          name,
          `fn ${name}(at: u32, m: ptr<function, ${arrayOf('result')}>, stride: u32) {
  if (emulatedLane != 0u) { return; }
  for (var r = 0u; r < ${rows}u; r++) { for (var c = 0u; c < ${columns}u; c++) { ${numberAt(code, buffer, `${size}u * (at + r * stride) + c`)} = (*m)[r * ${columns}u + c]; } }
}`,
        );
        return `${name}(${at}, &${value}, ${stride});`;
      },
    )
    .replace(
      /(\w+) = subgroupMatrixMultiplyAccumulate\((\w+), (\w+), \w+\);/g,
      (_, sum, left, right) => `multiplyMatrices(&${left}, &${right}, &${sum});`,
    )
    .replace(new RegExp(type, 'g'), (_, part) => arrayOf(part))
    .replaceAll('vec4<f16>(', 'emulatedHalf(')
    .replaceAll('vec4<f16>', 'vec4f')
    .replaceAll('subgroupShuffleXor(', 'subgroupShuffleXorOfEmulated(')
    .replace(
      /fn main\([^{]*\{/,
      main => `${main}\n  emulatedThread = local;\n  emulatedLane = local % ${LANES}u;`,
    );
  const {rows, columns} = sizes.result;
  const inner = sizes.left.columns;
  functions.set(
    'multiplyMatrices',
    `fn multiplyMatrices(left: ptr<function, ${arrayOf('left')}>, right: ptr<function, ${arrayOf('right')}>, result: ptr<function, ${arrayOf('result')}>) {
  for (var r = 0u; r < ${rows}u; r++) { for (var c = 0u; c < ${columns}u; c++) { for (var k = 0u; k < ${inner}u; k++) {
    (*result)[r * ${columns}u + c] += (*left)[r * ${inner}u + k] * (*right)[k * ${columns}u + c];
  } } }
}`,
  );
  plain += `\nvar<private> emulatedLane: u32;\n${exchange}\n${half}\n${[...functions.values()].join('\n')}`;
  return plain;
}

/** Runs `body` with kernels made for these units; says how many pipelines of the kind were made. */
export async function withMatrixUnits(
  kinds: readonly MatrixUnit[],
  body: () => Promise<void>,
  limits: Partial<GpuLimits> = {},
): Promise<number> {
  const {device} = asRecorder(backend());
  const create = device.createShaderModule.bind(device);
  let made = 0;
  device.createShaderModule = descriptor => {
    const code = emulate(descriptor.code);
    if (code !== descriptor.code) made++;
    return create({...descriptor, code});
  };
  webgpuDebug.limits = {...limits, matrixUnits: unitsOf(kinds)};
  try {
    await body();
  } finally {
    webgpuDebug.limits = {};
    device.createShaderModule = create;
  }
  return made;
}
