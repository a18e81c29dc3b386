// The numbers that kernels in C++ and CUDA take beside their pointers, as an op's definition declares them.

import type {Attributes, Dims, NativeCall, OpDefinition, VaryingNumbers} from './op.js';
import {shapeTokens} from './op.js';

/** What an op's kernels take that differs from call to call: what it declares, or the attributes that vary themselves. */
export function varyingNumbers<A extends Attributes>(op: OpDefinition<A>): VaryingNumbers<A> {
  if (op.varying !== undefined) return op.varying;
  const specs: Readonly<Record<string, OpDefinition['attributes'][string]>> = op.attributes;
  const names = Object.keys(specs).filter(name => specs[name].varies);
  const type = names.some(name => specs[name].type === 'float') ? 'float32' : 'int32';
  return {names, type, compute: attrs => names.map(name => Number(attrs[name]))};
}

type Reader = (dims: Dims, attrs: Attributes, varying: readonly number[]) => number;

interface Readers {
  readonly varying: VaryingNumbers<Attributes> | undefined;
  readonly all: readonly Reader[];
}

const known = new WeakMap<object, Readers>();

function readersOf(op: OpDefinition, native: NativeCall<Attributes>): Readers {
  const varying = varyingNumbers(op);
  const all = native.scalars.map((name): Reader => {
    const place = varying.names.indexOf(name);
    if (place >= 0) return (_dims, _attrs, numbers) => numbers[place];
    const spec = op.attributes[name];
    if (spec?.type === 'word') return (_dims, attrs) => spec.words.indexOf(String(attrs[name]));
    if (spec !== undefined) return (_dims, attrs) => Number(attrs[name]);
    const tokens = shapeTokens(name);
    return dims => tokens.reduce((product, token) => product * (dims[token] ?? 0), 1);
  });
  return {varying: varying.names.length > 0 ? varying : undefined, all};
}

/** The `scalars` of one call of a kernel, in order. */
export function nativeScalars(
  op: OpDefinition,
  native: NativeCall<Attributes>,
  dims: Dims,
  attrs: Attributes,
): number[] {
  let readers = known.get(native);
  if (readers === undefined) {
    readers = readersOf(op, native);
    known.set(native, readers);
  }
  const numbers = readers.varying?.compute(attrs) ?? [];
  return readers.all.map(read => read(dims, attrs, numbers));
}
