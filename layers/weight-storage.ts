// How the matrices of layers lie in memory once they are built: a choice of who loads a model, not of the model.

import type {DataType, Tensor} from '@tensorflow/tfjs-core';
import {serialization, tensor} from '@tensorflow/tfjs-core';
import type {HalfDType, WeightDType} from '../formats/weight-dtype.js';
import {narrow, wordsOfHalves} from '../formats/weight-dtype.js';
import type {ElementInitializer} from './initializers.js';

let current: WeightDType = 'float32';

/**
 * While `body` runs, which must not wait for anything, layers are built that hold their matrices in this format, for inference
 * alone: every weight that is multiplied with or looked up in. Norms, biases, convolutions and decay rates stay float32.
 */
export function withWeightStorage<T>(dtype: WeightDType, body: () => T): T {
  const before = current;
  current = dtype;
  try {
    return body();
  } finally {
    current = before;
  }
}

/** The format of halves in which layers that are built now hold their matrices. */
export function currentHalves(): HalfDType | undefined {
  return current === 'float32' ? undefined : current;
}

/** Words of the numbers that another initializer gives a matrix. */
export class HalfInitializer extends serialization.Serializable {
  static readonly className = 'BMojoHalfInitializer';

  constructor(
    private readonly numbers: ElementInitializer,
    private readonly shape: readonly [rows: number, columns: number],
    private readonly format: HalfDType,
  ) {
    super();
  }

  fromConfigUsesCustomObjects(): boolean {
    return false;
  }

  apply(shape: number[], dtype: DataType = 'int32'): Tensor {
    const blank = this.numbers.blank(shape, dtype);
    if (blank !== undefined) return blank;
    const bytes = narrow(this.numbers.values(this.shape), this.format);
    return tensor(wordsOfHalves(new Uint16Array(bytes.buffer), this.shape[1]), shape, 'int32');
  }

  getConfig(): serialization.ConfigDict {
    return {format: this.format};
  }
}
