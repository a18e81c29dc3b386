// What of tfjs-node's backend we call.

import type {DataId, Tensor, TensorInfo} from '@tensorflow/tfjs-core';
import type {DType} from '../../op.js';

export interface OpAttr {
  name: string;
  type: number;
  value: number | boolean | string | string[];
}

/** The parts that run any TensorFlow op. */
export interface NodeBackend {
  readonly binding: Readonly<
    Record<`TF_ATTR_${'BOOL' | 'INT' | 'FLOAT' | 'STRING' | 'TYPE'}` | 'TF_FLOAT' | 'TF_INT32', number>
  >;
  /** Whether TensorFlow found a GPU, which it then puts every op on that has a kernel for it. */
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: {get(dataId: DataId): {id: number}};
  executeMultipleOutputs(name: string, attrs: OpAttr[], inputs: TensorInfo[], outputs: number): Tensor[];
  write(values: Float32Array | Int32Array, shape: number[], dtype: DType): DataId;
  disposeData(dataId: DataId): boolean;
}

/** A vector on the device, the caller's to dispose by its data id. */
export function vectorOf(backend: NodeBackend, numbers: readonly number[], dtype: DType): TensorInfo {
  const values = dtype === 'int32' ? Int32Array.from(numbers) : Float32Array.from(numbers);
  return {dataId: backend.write(values, [numbers.length], dtype), shape: [numbers.length], dtype};
}
