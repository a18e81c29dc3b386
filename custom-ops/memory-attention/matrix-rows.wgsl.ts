// Factors of products as matrices take them, made once a call: rows that stream past several blocks are narrowed once and
// read in half the bytes, and those of all three memories lie in one buffer, so that reading the next tile takes no branch.

import {unitFor} from '../wgsl/matrix-units.js';
import type {ElementType, Pass} from '../wgsl/plan.js';
import {spread, workgroupNumber, workgroupParameters} from '../wgsl/plan.js';
import type {AttentionRequest, Geometry} from './geometry.wgsl.js';
import {loadRow, rowBindings} from './geometry.wgsl.js';
import type {SeenRows} from './seen-values.wgsl.js';

const THREADS = 256;

/** Numbers of factors in an element of 16 bytes, and its type. */
export interface FactorType {
  readonly numbers: 4 | 8;
  readonly type: ElementType;
}

export function factorType(factor: 'f16' | 'f32'): FactorType {
  return factor === 'f16' ? {numbers: 8, type: 'vec4u'} : {numbers: 4, type: 'vec4f'};
}

/** WGSL of one element from the vec4f that it holds, names. */
function packed(values: readonly string[]): string {
  if (values.length === 1) return values[0];
  // By the type and not by pack2x16float, which promises nothing of what float16 does not hold.
  return `vec4u(${values.map(value => `bitcast<vec2u>(vec4<f16>(${value}))`).join(', ')})`;
}

/** WGSL constants: the first row of `keyRows` and `valueRows` of fading tokens, and of slots. Rows of k and v come first. */
export function keyRowsOrder({hasFading}: Geometry): string {
  return `
fn firstFadingRow() -> u32 { return BATCH * rows(); }
fn firstSlotRow() -> u32 { return ${hasFading ? 2 : 1}u * BATCH * rows(); }`;
}

/** Rows of `keyRows` and `valueRows`, keys scaled. */
export function packedRows({Dh}: Geometry, factor: 'f16' | 'f32'): SeenRows {
  const {numbers} = factorType(factor);
  const load = (name: string, row: string, quad: string): string => {
    if (numbers === 4) return `${name}[${row} * ${Dh / 4}u + ${quad}]`;
    const words = `${name}[${row} * ${Dh / 8}u + ${quad} / 2u]`;
    const half = (n: number): string =>
      `unpack2x16float(select(${words}[${n}], ${words}[${n + 2}], ${quad} % 2u == 1u))`;
    return `vec4f(${half(0)}, ${half(1)})`;
  };
  return {
    scale: '1.0',
    row: (memory, at) => {
      const before = {
        window: 'batch * rows()',
        fading: 'firstFadingRow() + batch * rows()',
        stored: 'firstSlotRow() + (batch * CHUNKS + u32(chunk)) * SLOTS',
      };
      return `(${before[memory]} + u32(${at})) * GROUPS + group`;
    },
    key: (_, row, quad) => load('keyRows', row, quad),
    value: (_, row, quad) => load('valueRows', row, quad),
  };
}

interface Packing {
  readonly name: string;
  readonly read: Pass['read'];
  readonly write: readonly string[];
  readonly rows: number;
  /** Their number as WGSL, which holds for any number of rows of keys. */
  readonly count: string;
  readonly declarations?: string;
  /** WGSL of the vec4f `{buffer}{n}`, for the n-th four numbers of an element: `row` and `quad` say which. */
  load(n: number): string;
}

function packingPass(request: AttentionRequest, g: Geometry, packing: Packing): Pass {
  const {limits, attrs} = request;
  const unit = unitFor(attrs.precision, limits.matrixUnits);
  if (unit === undefined) throw new Error('memoryAttention: rows are packed for matrix units alone');
  const {numbers, type} = factorType(unit.factor);
  const elements = g.Dh / numbers;
  const fours = Array.from({length: numbers / 4}, (_, n) => n);
  return {
    name: packing.name,
    read: packing.read,
    write: Object.fromEntries(packing.write.map(name => [name, type])),
    uniforms: g.uniformNames,
    matrices: true,
    workgroups: spread(Math.ceil((packing.rows * elements) / THREADS), limits),
    code: `
${g.code}
${packing.declarations ?? ''}
@compute @workgroup_size(${THREADS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let index = workgroup * ${THREADS}u + local;
  let row = index / ${elements}u;
  if (row >= ${packing.count}) { return; }
  ${fours.map(n => `let quad${n} = index % ${elements}u * ${fours.length}u + ${n}u;\n  ${packing.load(n)}`).join('\n  ')}
  ${packing.write.map(name => `${name}[index] = ${packed(fours.map(n => `${name}${n}`))};`).join('\n  ')}
}`,
  };
}

/** Rows of `keyRows` and `valueRows`: of k and v, fading tokens, and slots. */
function keyRowsCount(g: Geometry): number {
  return g.G * g.B * (g.M * (g.hasFading ? 2 : 1) + g.C * g.me);
}

/** `keyRows`, by which products with queries are binary logarithms, and `valueRows`; empty slots are zero. */
function keyRowsPass(request: AttentionRequest, g: Geometry): Pass {
  const {Dh} = g;
  const scale = `${Math.LOG2E}f * SCALE`;
  const set = (n: number, k: string, v: string, row: string): string =>
    `keyRows${n} = ${scale} * ${loadRow(k, row, `quad${n}`, Dh)}; valueRows${n} = ${loadRow(v, row, `quad${n}`, Dh)};`;
  const slot = (n: number): string => `
    let slot = row / GROUPS - firstSlotRow();
    let position = positions[slot];
    if (position >= 0) {
      let stored = (slot / (CHUNKS * SLOTS) * rows() + u32(position)) * GROUPS + row % GROUPS;
      ${set(n, 'k', 'v', 'stored')}
    }`;
  return {
    ...packingPass(request, g, {
      name: 'memoryAttention factors of keys and values',
      read: {
        ...rowBindings(['k', 'v', ...(g.hasFading ? ['kFading', 'vFading'] : [])], Dh),
        ...(g.hasEidetic ? {positions: 'i32'} : {}),
      },
      write: ['keyRows', 'valueRows'],
      rows: keyRowsCount(g),
      count: '(firstSlotRow() + BATCH * CHUNKS * SLOTS) * GROUPS',
      declarations: keyRowsOrder(g),
      load: n => `
  var keyRows${n} = vec4f();
  var valueRows${n} = vec4f();
  if (row < firstFadingRow() * GROUPS) { ${set(n, 'k', 'v', 'row')} }
  ${g.hasFading ? `else if (row < firstSlotRow() * GROUPS) { let fading = row - firstFadingRow() * GROUPS; ${set(n, 'kFading', 'vFading', 'fading')} }` : ''}
  ${g.hasEidetic ? `else {${slot(n)}\n  }` : ''}`,
    }),
  };
}

/** `queryRows` and `cotangentRows`, those of q and of out's cotangent. */
function queryRowsPass(request: AttentionRequest, g: Geometry): Pass {
  return packingPass(request, g, {
    name: 'memoryAttention factors of queries and cotangents',
    read: rowBindings(['q', 'gradOut'], g.Dh),
    write: ['queryRows', 'cotangentRows'],
    rows: g.B * g.L * g.H,
    count: 'BATCH * QUERIES * HEADS',
    load: n =>
      `let queryRows${n} = ${loadRow('q', 'row', `quad${n}`, g.Dh)}; let cotangentRows${n} = ${loadRow('gradOut', 'row', `quad${n}`, g.Dh)};`,
  });
}

/** Passes and scratch that make the factors which some passes read. */
export function factorsFor(
  request: AttentionRequest,
  g: Geometry,
  passes: readonly Pass[],
): {passes: Pass[]; scratch: Record<string, number>} {
  const isRead = (name: string): boolean => passes.some(({read}) => name in read);
  const factor = unitFor(request.attrs.precision, request.limits.matrixUnits)?.factor ?? 'f32';
  const words = (rows: number): number => (rows * g.Dh * 4) / factorType(factor).numbers;
  const made = [
    {names: ['keyRows', 'valueRows'], rows: keyRowsCount(g), pass: keyRowsPass},
    {names: ['queryRows', 'cotangentRows'], rows: g.B * g.L * g.H, pass: queryRowsPass},
  ].filter(({names}) => names.some(isRead));
  return {
    passes: made.map(({pass}) => pass(request, g)),
    scratch: Object.fromEntries(made.flatMap(({names, rows}) => names.map(name => [name, words(rows)]))),
  };
}
