// Inputs for tests, benchmarks and self-checks of any op, from a seed.

import type {Attributes, CaseRandom, Dims, HostArray, OpCase, OpDefinition} from './op.js';
import {gradName, shapeOf} from './op.js';

/** A small deterministic generator (mulberry32). */
export function seededRandom(seed: number): CaseRandom {
  let state = seed >>> 0;
  const uniform = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
  const normal = (): number => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform());
  return {uniform, normal};
}

export type NamedArrays = Record<string, HostArray>;

export interface Sample {
  readonly op: OpDefinition;
  readonly attrs: Attributes;
  readonly dims: Dims;
  /** Inputs that are present, as float64 arrays holding float32 values, or int32. */
  readonly inputs: NamedArrays;
  /** Cotangents of every float result, by gradient name. */
  readonly cotangents: NamedArrays;
}

export function product(sizes: readonly number[]): number {
  return sizes.reduce((total, size) => total * size, 1);
}

/** Sizes of a case with the derived ones filled in. */
export function caseDims(op: OpDefinition, opCase: OpCase<Attributes>): Dims {
  const dims: Record<string, number> = {...opCase.dims};
  for (const [token, derive] of Object.entries(op.derivedDims ?? {}))
    dims[token] = derive(dims, opCase.attrs);
  return dims;
}

export function sampleCase(op: OpDefinition, opCase: OpCase<Attributes>, seed: number): Sample {
  const random = seededRandom(seed);
  const dims = caseDims(op, opCase);
  const inputs: NamedArrays = {};
  for (const [name, spec] of Object.entries(op.inputs)) {
    if (opCase.omit?.includes(name)) continue;
    const length = product(shapeOf(spec, dims));
    const values =
      op.sample?.[name]?.(random, dims, opCase.attrs, length) ?? Array.from({length}, () => random.normal());
    inputs[name] =
      spec.dtype === 'int32' ? Int32Array.from(values) : Float64Array.from(Float32Array.from(values));
  }
  const cotangents: NamedArrays = {};
  for (const [name, spec] of Object.entries(op.outputs)) {
    if (spec.role === 'saved' || spec.dtype !== 'float32') continue;
    const length = product(shapeOf(spec, dims));
    cotangents[gradName(name)] = Float64Array.from(Float32Array.from({length}, () => random.normal()));
  }
  return {op, attrs: opCase.attrs, dims, inputs, cotangents};
}
