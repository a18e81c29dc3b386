// What of tfjs-node's backend we call.

import type {DataId, Tensor, TensorInfo} from '@tensorflow/tfjs-core';
import type {DType} from '../../op.js';

export interface OpAttr {
  name: string;
  type: number;
  value: number | boolean | string | string[];
}

export type HostValues = Float32Array | Int32Array | Uint8Array;

/** A tensor of TensorFlow, by the number under which the binding keeps it; `dtype` in TensorFlow's numbers. */
export interface NativeTensor {
  id: number;
  shape: number[];
  dtype: number;
}

/** tfjs-node's addon. */
export interface NodeBinding
  extends Readonly<
    Record<`TF_ATTR_${'BOOL' | 'INT' | 'FLOAT' | 'STRING' | 'TYPE'}` | 'TF_FLOAT' | 'TF_INT32', number>
  > {
  executeOp(name: string, attrs: OpAttr[], inputs: number[], outputs: number): NativeTensor[];
  createTensor(shape: readonly number[], dtype: number, values: HostValues): number;
  deleteTensor(id: number): void;
  tensorDataSync(id: number): HostValues;
}

/** A tensor's entry: `values` are there as long as they are not handed to TensorFlow. */
export interface NodeTensor extends NativeTensor {
  values: HostValues | string[] | null;
}

/** The parts that run any TensorFlow op. */
export interface NodeBackend {
  binding: NodeBinding;
  /** Whether TensorFlow found a GPU, which it then puts every op on that has a kernel for it. */
  readonly isUsingGpuDevice: boolean;
  readonly tensorMap: {has(dataId: DataId): boolean; get(dataId: DataId): NodeTensor};
  executeSingleOutput(name: string, attrs: OpAttr[], inputs: TensorInfo[]): Tensor;
  executeMultipleOutputs(name: string, attrs: OpAttr[], inputs: TensorInfo[], outputs: number): Tensor[];
  /** The numbers of tensors, which it hands to TensorFlow where that is not done yet. */
  getInputTensorIds(tensors: readonly TensorInfo[]): number[];
  createOutputTensor(tensor: NativeTensor): Tensor;
  write(values: Float32Array | Int32Array, shape: number[], dtype: DType): DataId;
  /** Makes the entry of a tensor of the host's. */
  move(dataId: DataId, values: HostValues, shape: number[], dtype: string, refCount: number): void;
  incRef(dataId: DataId): void;
  disposeData(dataId: DataId): boolean;
}

/** A vector on the device, the caller's to dispose by its data id. */
export function vectorOf(backend: NodeBackend, numbers: readonly number[], dtype: DType): TensorInfo {
  const values = dtype === 'int32' ? Int32Array.from(numbers) : Float32Array.from(numbers);
  return {dataId: backend.write(values, [numbers.length], dtype), shape: [numbers.length], dtype};
}
