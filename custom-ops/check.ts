// One error format for bad input: function, argument, expectation, what came.

import type {Tensor} from '@tensorflow/tfjs-core';
import {Variable} from '@tensorflow/tfjs-core';
import {BmojoError} from '../errors/bmojo-error.js';
import type {Attributes, Dims, InputSpec, OpDefinition} from './op.js';
import {shapeOf, shapeTokens} from './op.js';

/** Bad input to a public function. `message` reads `function: argument must be ..., got ...`. */
export class ArgumentError extends BmojoError {
  override readonly name = 'ArgumentError';
  readonly kind = 'misuse';
  constructor(
    readonly functionName: string,
    readonly argument: string,
    readonly expected: string,
    readonly received: string,
  ) {
    super(`${functionName}: ${argument} must be ${expected}, got ${received}`);
  }
}

export function refuse(functionName: string, argument: string, expected: string, received: unknown): never {
  throw new ArgumentError(functionName, argument, expected, describe(received));
}

/** A short printable form of any value. */
export function describe(value: unknown): string {
  if (typeof value === 'string') return JSON.stringify(value);
  if (Array.isArray(value)) return `[${value.map(describe).join(', ')}]`;
  if (typeof value === 'object' && value !== null) return JSON.stringify(value)?.slice(0, 80) ?? 'an object';
  return String(value);
}

export function checkInteger(
  functionName: string,
  argument: string,
  value: unknown,
  min: number,
  max = 2 ** 31 - 1,
): number {
  if (typeof value !== 'number' || !Number.isInteger(value) || value < min || value > max) {
    const range = max === 2 ** 31 - 1 ? `an integer >= ${min}` : `an integer in [${min}, ${max}]`;
    refuse(functionName, argument, range, value);
  }
  return value;
}

export function checkNumber(
  functionName: string,
  argument: string,
  value: unknown,
  min = -Infinity,
  max = Infinity,
): number {
  if (typeof value !== 'number' || !Number.isFinite(value) || value < min || value > max) {
    const range =
      min === -Infinity && max === Infinity ? 'a finite number' : `a finite number in [${min}, ${max}]`;
    refuse(functionName, argument, range, value);
  }
  return value;
}

export function checkBoolean(functionName: string, argument: string, value: unknown): boolean {
  if (typeof value !== 'boolean') refuse(functionName, argument, 'true or false', value);
  return value;
}

export function checkOneOf<T extends string>(
  functionName: string,
  argument: string,
  value: unknown,
  choices: readonly T[],
): T {
  const found = choices.find(choice => choice === value);
  if (found === undefined)
    refuse(functionName, argument, `one of ${choices.map(c => `'${c}'`).join(', ')}`, value);
  return found;
}

interface CheckedCall {
  readonly names: readonly string[];
  readonly tensors: readonly {readonly shape: readonly number[]; readonly dtype: string}[];
  readonly attrs: Attributes;
  readonly dims: Dims;
}

/** Calls of each op that were found right: one like them, as most are, needs no second check. */
const checkedCalls = new WeakMap<object, CheckedCall[]>();
const CALLS_KEPT = 8;

function isLike(
  {names, tensors, attrs}: CheckedCall,
  inputs: Readonly<Record<string, Tensor | undefined>>,
  given: Attributes,
): boolean {
  let count = 0;
  for (const name in inputs) {
    const tensor = inputs[name];
    if (tensor === undefined) continue;
    if (names[count] !== name || tensor === null) return false;
    const {shape, dtype} = tensors[count++];
    if (tensor.dtype !== dtype || tensor.shape?.length !== shape.length) return false;
    for (let axis = 0; axis < shape.length; axis++) if (tensor.shape[axis] !== shape[axis]) return false;
  }
  if (count !== names.length) return false;
  for (const name in given) if (given[name] !== attrs[name]) return false;
  for (const name in attrs) if (!(name in given)) return false;
  return true;
}

/**
 * Sizes by shape letter of a call whose inputs and attributes are right, the same object for calls that are alike.
 * Errors: {@link ArgumentError} for a missing or unknown input, a wrong dtype, rank or size, or a bad attribute.
 */
export function checkedDims<A extends Attributes>(
  op: OpDefinition<A>,
  inputs: Readonly<Record<string, Tensor | undefined>>,
  attrs: A,
): Dims {
  let calls = checkedCalls.get(op);
  if (calls === undefined) {
    calls = [];
    checkedCalls.set(op, calls);
  }
  for (const call of calls) if (isLike(call, inputs, attrs)) return call.dims;
  const dims = resolveDims(op, inputs, attrs);
  for (const name in op.inputs) if (op.inputs[name].inPlace) return dims; // whether it is a variable, no shape tells
  const present = Object.entries(inputs).flatMap(([name, tensor]) =>
    tensor === undefined ? [] : [{name, shape: [...tensor.shape], dtype: tensor.dtype}],
  );
  if (calls.length >= CALLS_KEPT) calls.shift();
  calls.push({names: present.map(({name}) => name), tensors: present, attrs: {...attrs}, dims});
  return dims;
}

/**
 * Binds shape letters from the inputs, adds the derived ones and checks every input against them.
 * Errors: {@link ArgumentError} for a missing or unknown input, a wrong dtype, rank or size.
 */
function resolveDims<A extends Attributes>(
  op: OpDefinition<A>,
  inputs: Readonly<Record<string, Tensor | undefined>>,
  attrs: A,
): Dims {
  const dims: Record<string, number> = {};
  const source: Record<string, string> = {};
  for (const name in inputs) {
    if (!(name in op.inputs))
      refuse(op.name, name, `one of ${Object.keys(op.inputs).join(', ')}`, 'an unknown input');
  }
  for (const name in op.inputs) {
    const spec = op.inputs[name];
    const tensor = inputs[name];
    if (tensor === undefined) {
      if (!spec.optional) refuse(op.name, name, `a ${spec.dtype} tensor ${letters(spec)}`, undefined);
      continue;
    }
    checkKind(op.name, name, spec, tensor);
    if (tensor.size === 0) refuse(op.name, name, 'of sizes in [1, 2^31 - 1]', tensor.shape);
    if (spec.shape === '*') {
      dims['*'] ??= tensor.size;
      source['*'] ??= name;
      continue;
    }
    tokens(spec).forEach((token, axis) => {
      if (!op.derivedDims?.[token] && !(token in dims)) {
        dims[token] = tensor.shape[axis];
        source[token] = name;
      }
    });
  }
  op.checkAttributes(attrs, dims);
  for (const token in op.derivedDims) dims[token] = op.derivedDims[token](dims, attrs);
  for (const name in op.inputs) {
    const spec = op.inputs[name];
    const tensor = inputs[name];
    if (tensor === undefined) continue;
    if (spec.shape === '*')
      checkSame(op.name, name, tensor.shape, source['*'], inputs[source['*']]?.shape ?? []);
    else checkShape(op.name, name, spec, tensor.shape, dims, source);
  }
  return dims;
}

function tokens(spec: InputSpec): readonly string[] {
  return shapeTokens(spec.shape);
}

/** `[B, L, D]`, for messages. */
function letters(spec: InputSpec): string {
  return spec.shape === '*' ? 'of any shape' : `[${tokens(spec).join(', ')}]`;
}

function checkKind(functionName: string, name: string, spec: InputSpec, tensor: Tensor): void {
  const kind = spec.inPlace ? 'variable' : 'tensor';
  if (!Array.isArray(tensor?.shape) || typeof tensor.dtype !== 'string') {
    refuse(functionName, name, `a ${spec.dtype} ${kind} ${letters(spec)}`, tensor);
  }
  if (tensor.dtype !== spec.dtype) refuse(functionName, name, `of dtype ${spec.dtype}`, tensor.dtype);
  if (spec.inPlace && !(tensor instanceof Variable)) {
    throw new ArgumentError(functionName, name, 'a tf.Variable, since it is written in place', 'a tf.Tensor');
  }
  if (spec.shape !== '*' && tensor.rank !== tokens(spec).length) {
    refuse(functionName, name, `of rank ${tokens(spec).length}, ${letters(spec)}`, tensor.shape);
  }
}

function checkSame(
  functionName: string,
  name: string,
  shape: readonly number[],
  firstName: string,
  first: readonly number[],
): void {
  if (first.length === shape.length && first.every((size, axis) => size === shape[axis])) return;
  throw new ArgumentError(
    functionName,
    name,
    `of the shape of ${firstName}, [${first.join(', ')}]`,
    `[${shape.join(', ')}]`,
  );
}

function checkShape(
  functionName: string,
  name: string,
  spec: InputSpec,
  shape: readonly number[],
  dims: Dims,
  source: Readonly<Record<string, string>>,
): void {
  if (tokens(spec).every((token, axis) => dims[token] === shape[axis])) return;
  const expected = shapeOf(spec, dims);
  const from = new Map<string, string[]>();
  for (const token of tokens(spec)) {
    const origin = source[token];
    if (origin !== undefined && origin !== name) from.set(origin, [...(from.get(origin) ?? []), token]);
  }
  const origins = [...from].map(([origin, letters]) => `${letters.join(', ')} from ${origin}`).join('; ');
  const where = origins === '' ? '' : ` (${origins})`;
  throw new ArgumentError(
    functionName,
    name,
    `[${tokens(spec).join(', ')}] = [${expected.join(', ')}]${where}`,
    `[${shape.join(', ')}]`,
  );
}
