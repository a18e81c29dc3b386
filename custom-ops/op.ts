// What an operator is: one declaration from which checks, kernels, gradients, tests and benchmarks follow.

import type {Tensor} from '@tensorflow/tfjs-core';
import type {Precision} from './precision.js';

/** Sizes by shape letter, for example `{B: 2, L: 64, E: 8}`. */
export type Dims = Readonly<Record<string, number>>;
export type FloatArray = Float32Array | Float64Array;
export type HostArray = FloatArray | Int32Array;
export type DType = 'float32' | 'int32';
/**
 * Attributes of a call by name. An op's own are a `type`: an interface would fit here by `extends Attributes` alone, which
 * lets every misspelt name through.
 */
export type Attributes = Readonly<Record<string, number | boolean | string>>;
export type NamedTensors = Readonly<Record<string, Tensor>>;

/**
 * Bounds of an integer input: [lowest, highest], and perhaps one more number that is allowed, such as a label that
 * says "none".
 */
export type IntegerRange = readonly [lowest: number, highest: number, besides?: number];

export interface InputSpec {
  /**
   * Shape letters separated by blanks, for example `B L E`; empty for a scalar; `*` for any shape, the same in every
   * input that says so: kernels see one axis, its size under the letter `*`.
   */
  readonly shape: string;
  readonly dtype: DType;
  readonly optional?: true;
  readonly differentiable?: true;
  /** The gradient's kernel does not get this input, which is not kept for it. */
  readonly forwardOnly?: true;
  /** Large: kept for the gradient in 16 bits where training asks for it. */
  readonly keptNarrow?: true;
  /** The kernel writes this input's memory; it must be a variable. */
  readonly inPlace?: true;
  /** Stays in host memory where TensorFlow computes on a GPU, so that its few values are checked at once. */
  readonly onHost?: true;
  /** One for all calls that are made together. */
  readonly shared?: true;
}

export interface OutputSpec {
  readonly shape: string;
  readonly dtype: DType;
  /** `result`: returned; `saved`: kept for the gradient only; `both`: returned and kept. */
  readonly role: 'result' | 'saved' | 'both';
  /** As of an input. */
  readonly keptNarrow?: true;
  /** A caller may leave this result; the gradient's kernel then gets no cotangent of it, which counts as zeros. */
  readonly optional?: true;
  /**
   * The input that this result is, without a copy. Whoever goes on with it in the input's place has its cotangent added to
   * the input's gradient within the op, where another use of the input would cost an addition of its own. Such a result is
   * optional and the last; kernels do not see it, but for those that add its cotangent themselves.
   */
  readonly passes?: string;
}

/** What an attribute may be; `varies`: it differs from call to call, so that no kernel should be kept for each value. */
export type AttributeSpec = (
  | {readonly type: 'bool' | 'float'}
  | {readonly type: 'int'; readonly least?: number}
  | {readonly type: 'word'; readonly words: readonly string[]}
) & {readonly varies?: true};

/** Numbers that kernels take in place of the attributes that vary, computed from these in double precision. */
export interface VaryingNumbers<A> {
  readonly names: readonly string[];
  readonly type: 'int32' | 'float32';
  compute(attrs: A): number[];
}

/**
 * Arguments of a plain-loop kernel. Arrays are row-major; an absent optional input has no entry.
 * Outputs arrive allocated and zeroed; their element type sets the precision.
 * A backward kernel gets the forward inputs but for those that are `forwardOnly`, the saved outputs under their names and the cotangents under
 * `gradY` for a result `y`, but for those that the caller has left; it fills `gradX` for every differentiable input `x`
 * that is present.
 */
export interface HostCall<A> {
  readonly inputs: Readonly<Record<string, HostArray>>;
  readonly outputs: Readonly<Record<string, HostArray>>;
  readonly dims: Dims;
  readonly attrs: A;
}

/**
 * How the exported C function of a kernel is called: pointers to inputs, then outputs (0 where absent, both in
 * declaration order), then a scratch block when `scratchFloats` is given, then the `scalars`: each the name of an
 * attribute (a word counts as its place among the words) or of a varying number, or letters of a shape, for its number
 * of elements (0 where no input has them). A CUDA kernel of the same symbol takes the same.
 */
export interface NativeCall<A> {
  readonly symbol: string;
  readonly scalars: readonly string[];
  scratchFloats?(dims: Dims, attrs: A): number;
}

export interface Kernel<A> {
  reference(call: HostCall<A>): void;
  readonly native: NativeCall<A>;
}

/** Deterministic random numbers for cases: `uniform()` in [0, 1), `normal()` standard. */
export interface CaseRandom {
  uniform(): number;
  normal(): number;
}

/** A named shape for tests or benchmarks: data only. */
export interface OpCase<A> {
  readonly name: string;
  readonly dims: Dims;
  readonly attrs: A;
  /** Optional inputs that this case leaves out. */
  readonly omit?: readonly string[];
  /**
   * `bench` cases are timed by `bmojo bench ops` and are too large for the finite-difference test; `cuda` cases reach
   * paths of the CUDA kernels that no `test` case does (scripts/cuda-vectors.mjs).
   */
  readonly use: 'test' | 'bench' | 'cuda';
  /** Benchmarks leave out the other forms: they would not fit into memory or patience. */
  readonly kernelOnly?: true;
  /** Of an op that has a precision, those in which the case is tested. Default: all. */
  readonly precisions?: readonly Precision[];
}

/** A function of sizes and attributes; written as a method so that definitions of all ops fit one list. */
type FromSizes<A, T> = {compute(dims: Dims, attrs: A): T}['compute'];
type Sampler<A> = {sample(random: CaseRandom, dims: Dims, attrs: A, length: number): number[]}['sample'];

export interface OpDefinition<A extends Attributes = Attributes> {
  readonly name: string;
  readonly inputs: Readonly<Record<string, InputSpec>>;
  readonly outputs: Readonly<Record<string, OutputSpec>>;
  /** Sizes that follow from others, under the token used in shapes, for example `'K-1': d => d.K - 1`. */
  readonly derivedDims?: Readonly<Record<string, FromSizes<A, number>>>;
  readonly attributes: Readonly<Record<keyof A & string, AttributeSpec>>;
  /** Where kernels take other numbers than the attributes that vary themselves. */
  readonly varying?: VaryingNumbers<A>;
  /** Refuses attributes out of range; see `refuse` in check.ts. */
  checkAttributes(attrs: A, dims: Dims): void;
  /** For integer inputs whose values must lie in a range, checked where memory is readable. */
  readonly integerRange?: Readonly<Record<string, FromSizes<A, IntegerRange>>>;
  readonly forward: Kernel<A>;
  readonly backward?: Kernel<A>;
  /** No CUDA kernel (kernel.cu): TensorFlow's own operations are the right ones on a GPU. */
  readonly composedOnCuda?: true;
  /** The same mathematics from tf operations, differentiable by tf. Returns every `result` and `both` output. */
  composed(inputs: NamedTensors, attrs: A, dims: Dims): NamedTensors;
  readonly cases: readonly OpCase<A>[];
  /** Test values of one input; standard normal floats when it has no entry. */
  readonly sample?: Readonly<Record<string, Sampler<A>>>;
}

/** `gradY` for `y`. */
export function gradName(name: string): string {
  return `grad${name[0].toUpperCase()}${name.slice(1)}`;
}

const splitShapes = new Map<string, readonly string[]>();

/** `['B', 'L', 'E']` for `B L E`; each is worked out once, since every call of an op asks. */
export function shapeTokens(shape: string): readonly string[] {
  let tokens = splitShapes.get(shape);
  if (tokens === undefined) {
    tokens = shape === '' ? [] : shape.split(' ');
    splitShapes.set(shape, tokens);
  }
  return tokens;
}

export function shapeOf(spec: {shape: string}, dims: Dims): number[] {
  return shapeTokens(spec.shape).map(token => dims[token]);
}

/** What a registered kernel computes: a call, its gradient, or several calls together. */
export type KernelRole = 'forward' | 'backward' | 'together';

const kernelNames = new Map<string, Readonly<Record<KernelRole, string>>>();

/** What the registered names of all our kernels begin with. */
export const KERNEL_PREFIX = 'BMojo';

/** Registered kernel names of an op: `BMojoSelectiveScan`, `BMojoSelectiveScanGrad`, `BMojoAdamWTogether`. */
export function kernelName({name}: {name: string}, role: KernelRole): string {
  let known = kernelNames.get(name);
  if (known === undefined) {
    const forward = `${KERNEL_PREFIX}${name[0].toUpperCase()}${name.slice(1)}`;
    known = {forward, backward: `${forward}Grad`, together: `${forward}Together`};
    kernelNames.set(name, known);
  }
  return known[role];
}

/** What the input `name` of call `index` is called among those of several calls together; of an axis likewise. */
export function memberName(name: string, index: number): string {
  return `${name}_${index}`;
}

/** What an op declares of an input of a call, or of several calls together. */
export function inputSpec(op: {inputs: OpDefinition['inputs']}, name: string): InputSpec | undefined {
  return op.inputs[name] ?? op.inputs[name.slice(0, name.lastIndexOf('_'))];
}

/** The result of an op that is one of its inputs, where it has such a result. */
export function passedResult({
  outputs,
}: Pick<OpDefinition, 'outputs'>): {name: string; input: string} | undefined {
  for (const [name, {passes}] of Object.entries(outputs))
    if (passes !== undefined) return {name, input: passes};
  return undefined;
}

export interface Port {
  readonly name: string;
  readonly shape: string;
  readonly dtype: DType;
}

/** Inputs and outputs of one direction's kernel, in the order in which every backend passes them. */
export function kernelPorts(
  op: OpDefinition,
  direction: 'forward' | 'backward',
): {inputs: Port[]; outputs: Port[]} {
  const given = Object.entries(op.inputs).filter(([, spec]) => direction === 'forward' || !spec.forwardOnly);
  const inputs: Port[] = given.map(([name, spec]) => ({name, ...pick(spec)}));
  const outputs = Object.entries(op.outputs).filter(([, {passes}]) => passes === undefined);
  if (direction === 'forward') {
    return {inputs, outputs: outputs.map(([name, spec]) => ({name, ...pick(spec)}))};
  }
  for (const [name, spec] of outputs) if (spec.role !== 'result') inputs.push({name, ...pick(spec)});
  for (const [name, spec] of outputs) {
    if (spec.role !== 'saved' && spec.dtype === 'float32') inputs.push({name: gradName(name), ...pick(spec)});
  }
  const gradients = Object.entries(op.inputs).filter(([, spec]) => spec.differentiable);
  return {inputs, outputs: gradients.map(([name, spec]) => ({name: gradName(name), ...pick(spec)}))};
}

function pick(spec: {shape: string; dtype: DType}): {shape: string; dtype: DType} {
  return {shape: spec.shape, dtype: spec.dtype};
}
