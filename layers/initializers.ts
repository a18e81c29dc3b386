// Initial weights computed on the host from a seed, so that every backend starts from the same numbers.

import type {DataType, Tensor} from '@tensorflow/tfjs-core';
import {clone, dispose, keep, serialization, tensor, zeros} from '@tensorflow/tfjs-core';

type Draw = (index: number, uniform: () => number, columns: number) => number;

/** FNV-1a over a name, so that each weight of a seeded layer has its own stream. */
export function streamSeed(seed: number, name: string): number {
  let hash = 0x811c9dc5 ^ seed;
  for (let i = 0; i < name.length; i++) hash = Math.imul(hash ^ name.charCodeAt(i), 0x01000193);
  return hash >>> 0;
}

function uniformStream(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x9e3779b9) >>> 0;
    let t = Math.imul(state ^ (state >>> 16), 0x21f0aaad);
    t = Math.imul(t ^ (t >>> 15), 0x735a2d97);
    return ((t ^ (t >>> 15)) >>> 0) / 4294967296;
  };
}

/** Zeros by shape, while weights begin with them. */
let blanks: Map<string, Tensor> | undefined;

/**
 * While `body` runs, which must not wait for anything, weights begin at 0, all of one shape in the same memory: drawing
 * hundreds of millions of numbers takes minutes, and holding them takes the memory of the model once more, for nothing where a
 * checkpoint replaces them all. Each must be assigned before it is used.
 */
export function withoutInitialValues<T>(body: () => T): T {
  const before = blanks;
  const own = new Map<string, Tensor>();
  blanks = own;
  try {
    return body();
  } finally {
    blanks = before;
    dispose([...own.values()]);
  }
}

/** How many numbers of a weight are drawn while later ones repeat them. */
let drawn = Number.POSITIVE_INFINITY;

/** A prime, so that the rows of no weight are all alike. */
const DRAWN_OF_MANY = 1_048_573;

/**
 * While `body` runs, which must not wait for anything, large weights repeat the numbers that they begin with: for measurements
 * of what does not depend on them, since drawing a billion takes a minute.
 */
export function withRepeatedValues<T>(body: () => T): T {
  const before = drawn;
  drawn = DRAWN_OF_MANY;
  try {
    return body();
  } finally {
    drawn = before;
  }
}

/** Zeros that share the memory of those of the same shape. */
function blank(held: Map<string, Tensor>, shape: number[], dtype: DataType): Tensor {
  const key = `${dtype} ${shape}`;
  const found = held.get(key) ?? keep(zeros(shape, dtype));
  held.set(key, found);
  return clone(found);
}

/** Fills a weight element by element in row-major order. */
export class ElementInitializer extends serialization.Serializable {
  static readonly className = 'BMojoElementInitializer';

  constructor(
    private readonly draw: Draw,
    private readonly seed: number,
  ) {
    super();
  }

  fromConfigUsesCustomObjects(): boolean {
    return false;
  }

  apply(shape: number[], dtype: DataType = 'float32'): Tensor {
    return this.blank(shape, dtype) ?? tensor(this.values(shape), shape, dtype);
  }

  /** The zeros with which a weight begins while {@link withoutInitialValues} runs. */
  blank(shape: number[], dtype: DataType): Tensor | undefined {
    return blanks === undefined ? undefined : blank(blanks, shape, dtype);
  }

  /** The numbers with which a weight begins. */
  values(shape: readonly number[]): Float32Array<ArrayBuffer> {
    const length = shape.reduce((product, size) => product * size, 1);
    const uniform = uniformStream(this.seed);
    const columns = shape[shape.length - 1] ?? 1;
    // Float32Array.from takes four times as long, which is minutes of models of a billion parameters.
    const values = new Float32Array(length);
    const own = Math.min(length, drawn);
    for (let index = 0; index < own; index++) values[index] = this.draw(index, uniform, columns);
    for (let filled = own; filled < length; filled *= 2) values.copyWithin(filled, 0, filled);
    return values;
  }

  getConfig(): serialization.ConfigDict {
    return {seed: this.seed};
  }
}

/** Uniform in [-limit, limit]. */
export function symmetric(limit: number, seed: number): ElementInitializer {
  return new ElementInitializer((_, uniform) => (2 * uniform() - 1) * limit, seed);
}

/** Normal with mean 0 and the given standard deviation (Box-Muller). */
export function normal(deviation: number, seed: number): ElementInitializer {
  return new ElementInitializer((_, uniform) => {
    const radius = Math.sqrt(-2 * Math.log(1 - uniform()));
    return deviation * radius * Math.cos(2 * Math.PI * uniform());
  }, seed);
}

export function constant(value: number): ElementInitializer {
  return new ElementInitializer(() => value, 0);
}

/** log(1), ..., log(N) in every row: the S4D-real start of A_log (Gu et al. 2022, arXiv 2206.11893). */
export function logarithmsOfState(): ElementInitializer {
  return new ElementInitializer((index, _, columns) => Math.log((index % columns) + 1), 0);
}

/** log of a rate drawn uniformly from [min, max]: the start of A_log in Mamba-2 (Dao and Gu 2024, arXiv 2405.21060). */
export function logarithmsOfRates(seed: number, min = 1, max = 16): ElementInitializer {
  return new ElementInitializer((_, uniform) => Math.log(min + uniform() * (max - min)), seed);
}

/**
 * The bias whose softplus is a step size drawn log-uniformly from [min, max] and floored: Mamba's dt_bias
 * (Gu and Dao 2023, arXiv 2312.00752).
 */
export function inverseSoftplusOfStep(
  seed: number,
  min = 1e-3,
  max = 1e-1,
  floor = 1e-4,
): ElementInitializer {
  return new ElementInitializer((_, uniform) => {
    const step = Math.max(floor, Math.exp(Math.log(min) + uniform() * (Math.log(max) - Math.log(min))));
    return step + Math.log(-Math.expm1(-step));
  }, seed);
}
