// What the native addon says of itself: its operators as the generated tables declare them.

import type {Port} from '../../op.js';

export interface NativeDirection {
  readonly inputs: readonly Port[];
  readonly outputs: readonly Port[];
  /** The CUDA kernel's name (NativeCall.symbol of the definition), built in or not. */
  readonly cuda: string | null;
}

export interface NativeOperator {
  readonly name: string;
  /** Attributes that TensorFlow keeps a kernel for, so that they should be the same in every call. */
  readonly attributes: readonly {name: string; type: 'bool' | 'int' | 'float' | 'string'}[];
  /** Numbers that change from call to call; they travel as one more input, int32, floats as their bits. */
  readonly varying: readonly string[];
  readonly varyingType: 'int32' | 'float32';
  readonly forward: NativeDirection;
  readonly backward: NativeDirection | null;
}

/** The loaded addon. */
export interface NativeOps {
  /** JSON of {@link NativeOperator}s. */
  readonly operators: string;
  /** SHA-256 of the sources that it was compiled from; addons of version 0.1.0 do not tell. */
  readonly sources?: string;
  /** Threads that kernels use, the caller's among them. */
  readonly threads: number;
  /** Floats of the vectors that kernels are compiled for. */
  readonly lanes: number;
  /** Whether the CUDA kernels are built in. */
  readonly cuda: boolean;
  /** TensorFlow's own list of an op's kernels, as its KernelList message. */
  registeredKernels(op: string): Buffer;
  /** For tests: outputs and scratch are filled with NaN before a kernel runs. */
  setPoison(poisons: boolean): void;
}
