// Matrix units on a device without: every lane holds all of every matrix, and float16 is float32 rounded to it. For code
// that meets its matrices with all lanes of a subgroup, as ours does. Few large matrices: each is code of its own here.
// What code must not rely on is NaN: workgroup memory before it is written, and sums that are declared in a loop without a
// value, which devices leave as the turn before did.

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
}
fn emulatedHalves(words: vec2u) -> vec4f { return vec4f(unpack2x16float(words.x), unpack2x16float(words.y)); }
// Infinite beyond the range, as in the conversion: packing promises nothing of such.
fn halvesInWords(value: vec4f) -> vec2u {
  let signs = (bitcast<vec4u>(value) >> vec4u(16u)) & vec4u(0x8000u);
  let packed = vec2u(pack2x16float(value.xy), pack2x16float(value.zw));
  let bits = vec4u(packed.x & 0xffffu, packed.x >> 16u, packed.y & 0xffffu, packed.y >> 16u);
  let all = select(bits, signs | vec4u(0x7c00u), abs(value) > vec4f(65504.0));
  return vec2u(all.x | (all.y << 16u), all.z | (all.w << 16u));
}`;

const NAN = 'bitcast<f32>(notANumber)';

/** WGSL at the begin of main that makes all numbers in workgroup memory NaN. */
function poisonMemory(code: string): string {
  const threads = /@workgroup_size\((\d+)\)/.exec(code)?.[1];
  const arrays = [...code.matchAll(/var<workgroup> (\w+): array<(vec4<f16>|vec4f|f32), (\d+)>;/g)];
  const fills = arrays.map(([, name, type, count]) => {
    const value = type === 'f32' ? NAN : `vec4f(${NAN})`;
    return `for (var i = local; i < ${count}u; i += ${threads}u) { ${name}[i] = ${value}; }`;
  });
  return `${fills.join('\n  ')}\n  workgroupBarrier();`;
}

/** Whether a place in the code is within a loop. */
function isInLoop(code: string, place: number): boolean {
  const around: boolean[] = [];
  let statement = 0;
  for (let at = 0; at < place; at++) {
    if (code[at] === '{') around.push(/\b(for|while|loop)\b/.test(code.slice(statement, at)));
    if (code[at] === '}') around.pop();
    // The semicolons of a loop's own head end no statement.
    if ('{}'.includes(code[at]) || (code[at] === ';' && !/\bfor \(/.test(code.slice(statement, at))))
      statement = at + 1;
  }
  return around.includes(true);
}

function emulate(given: string): string {
  if (!given.includes(matrixDirectives)) return given;
  const code = given.replace(/var (\w+): subgroup_matrix_result<[^>]*>;/g, (declaration, name, place) =>
    isInLoop(given, place) ? `${declaration} poisonMatrix(&${name});` : declaration,
  );
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
    .replaceAll('bitcast<vec4<f16>>(', 'emulatedHalves(')
    .replaceAll('bitcast<vec2u>(', 'halvesInWords(')
    .replaceAll('vec4<f16>(', 'emulatedHalf(')
    .replaceAll('vec4<f16>', 'vec4f')
    .replaceAll('subgroupShuffleXor(', 'subgroupShuffleXorOfEmulated(')
    .replace(/fn main\([^{]*\{/, main =>
      sizes.result === undefined
        ? main
        : `${main}\n  emulatedThread = local;\n  emulatedLane = local % ${LANES}u;\n  ${poisonMemory(code)}`,
    );
  // Passes that make factors have none.
  if (sizes.result === undefined) return `${plain}\n${half}`;
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
  if (code.includes('poisonMatrix'))
    functions.set(
      'poisonMatrix',
      `fn poisonMatrix(m: ptr<function, ${arrayOf('result')}>) { for (var i = 0u; i < ${rows * columns}u; i++) { (*m)[i] = ${NAN}; } }`,
    );
  plain += `\nvar<private> notANumber: u32 = 0x7fc00000u;\nvar<private> emulatedLane: u32;\n${exchange}\n${half}\n${[...functions.values()].join('\n')}`;
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
