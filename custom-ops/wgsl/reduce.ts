// Sums in a fixed order: over the lanes of a workgroup, and over the rows of a matrix of partial results.

import type {Bindings, GpuLimits, Pass} from './plan.js';
import {constants, spread, workgroupNumber, workgroupParameters} from './plan.js';

/**
 * WGSL of `sumOverLanes(value, local)` and `maximumOverLanes(value, local)`: over a thread's group of `lanes` neighbours, a
 * power of two, the result in every one of them. All threads of the workgroup must call them.
 *
 * Within subgroups values are shuffled, beyond them (and on devices without) they go through workgroup memory. Threads
 * that follow each other share a subgroup, as far as its least size reaches: drivers arrange lines of threads so, and the
 * self-check would notice one that does not. Passes that use this spread {@link subgroupUse} into themselves.
 */
export function laneReductions(lanes: number, threads: number, {subgroup}: GpuLimits): string {
  const shuffled = Math.min(lanes, Math.max(1, subgroup));
  const reduction = (name: string, combine: (a: string, b: string) => string): string => {
    const shuffles: string[] = [];
    for (let mask = 1; mask < shuffled; mask *= 2) {
      shuffles.push(`result = ${combine('result', `subgroupShuffleXor(result, ${mask}u)`)};`);
    }
    const steps: string[] = [];
    for (let step = lanes / 2; step >= shuffled; step /= 2) {
      const combined = combine('laneValues[local]', `laneValues[local + ${step}u]`);
      steps.push(`if (lane < ${step}u) { laneValues[local] = ${combined}; }`);
      steps.push('workgroupBarrier();');
    }
    const throughMemory = `
  let lane = local % ${lanes}u;
  laneValues[local] = result;
  workgroupBarrier();
  ${steps.join('\n  ')}
  result = laneValues[local - lane];
  workgroupBarrier();`;
    return `
fn ${name}(value: f32, local: u32) -> f32 {
  var result = value;
  ${shuffles.join('\n  ')}
  ${steps.length > 0 ? throughMemory : ''}
  return result;
}`;
  };
  return `
var<workgroup> laneValues: array<f32, ${threads}>;
${reduction('sumOverLanes', (a, b) => `${a} + ${b}`)}
${reduction('maximumOverLanes', (a, b) => `max(${a}, ${b})`)}`;
}

/** What a pass with {@link laneReductions} says of itself. */
export function subgroupUse({subgroup}: GpuLimits): Pick<Pass, 'subgroups'> {
  return subgroup > 1 ? {subgroups: true} : {};
}

export interface RowSum {
  readonly name: string;
  /** Sums over the rows of `from` [rows, columns], which begins `offset` words into its buffer. */
  readonly from: string;
  readonly offset?: number;
  readonly rows: number;
  readonly columns: number;
  readonly write: Bindings;
  /** WGSL that stores `total`, the sum of column `column`. */
  readonly store: string;
}

const COLUMNS = 32;
const ROWS = 8;

export function rowSumPass(
  {name, from, offset = 0, rows, columns, write, store}: RowSum,
  limits: GpuLimits,
): Pass {
  const tiles = Math.ceil(columns / COLUMNS);
  return {
    name,
    read: {[from]: 'f32'},
    write,
    workgroups: spread(tiles, limits),
    code: `
${constants({ROWS: rows, COLUMNS: columns, OFFSET: offset})}
var<workgroup> sums: array<f32, ${COLUMNS * ROWS}>;
@compute @workgroup_size(${COLUMNS * ROWS})
fn main(${workgroupParameters}) {
  ${workgroupNumber}
  let column = workgroup * ${COLUMNS}u + local % ${COLUMNS}u;
  var total = 0.0;
  if (column < COLUMNS) {
    for (var row = local / ${COLUMNS}u; row < ROWS; row += ${ROWS}u) {
      total += ${from}[OFFSET + row * COLUMNS + column];
    }
  }
  sums[local] = total;
  workgroupBarrier();
  if (local < ${COLUMNS}u && column < COLUMNS) {
    for (var part = 1u; part < ${ROWS}u; part++) { total += sums[part * ${COLUMNS}u + local]; }
    ${store}
  }
}`,
  };
}
