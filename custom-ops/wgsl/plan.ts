// What a GPU routine is: a pure function from sizes, attributes and limits to passes. The text rendered from a pass is
// its pipeline's key, so nothing that shapes the code can be missing from the key.

import type {Attributes, Dims} from '../op.js';
import type {MatrixUnits} from './matrix-units.js';
import {matrixDirectives} from './matrix-units.js';

/** What of a device shapes our code. */
export interface GpuLimits {
  readonly invocations: number;
  readonly workgroupBytes: number;
  readonly storageBuffers: number;
  /** Bytes of the largest buffer that a pass can bind. */
  readonly bindingBytes: number;
  /** Workgroups in one dimension of a dispatch. */
  readonly workgroups: number;
  /** Lanes that every subgroup has at least; 0 where code may not exchange values within one. */
  readonly subgroup: number;
  /**
   * Whether equal steps are loops rather than written out: a device that is a processor compiles long code for seconds. Default
   * false.
   */
  readonly loops?: boolean;
  /** Matrix units, where the device has them and lets code use them. */
  readonly matrixUnits?: MatrixUnits;
}

export type ElementType = 'f32' | 'i32' | 'u32' | 'vec2f' | 'vec2u' | 'vec4f' | 'vec4u';
export type Bindings = Readonly<Record<string, ElementType>>;

export interface Pass {
  readonly name: string;
  /** Buffers by port, scratch or constant name, in the element type in which the code sees them. */
  readonly read: Bindings;
  readonly write: Bindings;
  /** Where the code calls a buffer by another name than the plan: the plan's, so that one code serves several buffers. */
  readonly buffers?: Readonly<Record<string, string>>;
  /** Names of the numbers that change from call to call: fields of the struct `uniforms`, all f32. */
  readonly uniforms?: readonly string[];
  /** Uniforms of this pass alone, the same at every call: what tells passes of one code apart. */
  readonly numbers?: Readonly<Record<string, number>>;
  readonly workgroups: readonly [number, number, number];
  /** Whether the code exchanges values within subgroups. */
  readonly subgroups?: true;
  /** Whether the code multiplies on matrix units. */
  readonly matrices?: true;
  /** WGSL without bindings; the entry point is `main`. */
  readonly code: string;
}

export interface Plan {
  readonly passes: readonly Pass[];
  /** Temporary buffers: number of 4-byte words. Uncleared. */
  readonly scratch?: Readonly<Record<string, number>>;
  /** Read-only tables, uploaded once. */
  readonly tables?: Readonly<Record<string, Float32Array | Uint32Array>>;
}

export interface PlanRequest<A extends Attributes = Attributes> {
  readonly dims: Dims;
  /** Attributes; those listed as `dynamic` are absent. */
  readonly attrs: A;
  /** Inputs of this call. */
  readonly present: ReadonlySet<string>;
  /** Outputs wanted by this call. */
  readonly wanted: ReadonlySet<string>;
  readonly limits: GpuLimits;
}

/** A function of a request; written as a method so that kernels of all ops fit one table. */
export type Planner<A extends Attributes = Attributes> = {plan(request: PlanRequest<A>): Plan}['plan'];

export interface GpuKernel<A extends Attributes = Attributes> {
  readonly forward: Planner<A>;
  readonly backward?: Planner<A>;
  /**
   * Several calls at once, their inputs and sizes under the names of `memberName`, the number of calls under `calls`;
   * results are those of all calls added up.
   */
  readonly together?: Planner<A>;
  /** Whether `backward` adds the cotangent of the input that the op passes on, which it is then given. */
  readonly addsPassed?: true;
  /** Attributes that change from call to call: kept out of the code and its key. */
  readonly dynamic?: readonly string[];
  /** Values of the struct `uniforms` for one call. */
  uniforms?(dims: Dims, attrs: A): Readonly<Record<string, number>>;
}

/** WGSL of a pass with its bindings declared. */
export function renderPass(pass: Pass): string {
  const lines: string[] = [];
  const declare = (bindings: Bindings, access: string): void => {
    for (const [name, type] of Object.entries(bindings)) {
      lines.push(`@group(0) @binding(${lines.length}) var<storage, ${access}> ${name}: array<${type}>;`);
    }
  };
  declare(pass.read, 'read');
  declare(pass.write, 'read_write');
  if (pass.uniforms !== undefined) {
    const fields = pass.uniforms.map(name => `${name}: f32`).join(', ');
    lines.push(`struct Uniforms {${fields}}`);
    lines.push(`@group(0) @binding(${lines.length - 1}) var<uniform> uniforms: Uniforms;`);
  }
  const directives = pass.matrices ? `${matrixDirectives}\n` : pass.subgroups ? 'enable subgroups;\n' : '';
  return `${directives}${lines.join('\n')}\n${pass.code}`;
}

/** WGSL constants, u32 for integers and f32 otherwise. */
export function constants(values: Readonly<Record<string, number>>): string {
  return Object.entries(values)
    .map(([name, value]) =>
      Number.isInteger(value) && value >= 0
        ? `const ${name}: u32 = ${value}u;`
        : `const ${name}: f32 = ${floatLiteral(value)};`,
    )
    .join('\n');
}

export function floatLiteral(value: number): string {
  return `${Number.isInteger(value) ? value.toFixed(1) : value}f`;
}

/** A dispatch of at least `count` workgroups; the code finds its number with {@link workgroupNumber}. */
export function spread(count: number, limits: Pick<GpuLimits, 'workgroups'>): [number, number, number] {
  if (count <= limits.workgroups) return [Math.max(1, count), 1, 1];
  const rows = Math.ceil(count / limits.workgroups);
  return [Math.ceil(count / rows), rows, 1];
}

/** Parameters of `main` and the number of this workgroup among those of {@link spread}. */
export const workgroupParameters =
  '@builtin(workgroup_id) workgroupId: vec3u, @builtin(num_workgroups) workgroupCounts: vec3u, ' +
  '@builtin(local_invocation_index) local: u32';
export const workgroupNumber = 'let workgroup = workgroupId.x + workgroupId.y * workgroupCounts.x;';

/** Rows that a uniform, which is an f32, counts exactly. */
export const MOST_ROWS = 2 ** 24;

/** For kernels that take their number of rows as a uniform. Errors: Error with more than MOST_ROWS. */
export function checkRows(op: string, rows: number): void {
  if (rows > MOST_ROWS)
    throw new Error(`bmojo: ${op} on webgpu counts at most ${MOST_ROWS} rows, got ${rows}; pass fewer`);
}

/** The smallest power of two that is at least `value`. */
export function powerOfTwo(value: number): number {
  return 2 ** Math.ceil(Math.log2(Math.max(1, value)));
}
