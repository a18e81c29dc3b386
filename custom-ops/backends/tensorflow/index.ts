// The TensorFlow backend: our C++ kernels as TensorFlow ops, called as tfjs-node calls TensorFlow's own.

import type {Tensor, TensorInfo} from '@tensorflow/tfjs-core';
import {findBackend, getKernel, registerKernel} from '@tensorflow/tfjs-core';
import {loadTensorFlow} from '#tensorflow';
import type {Invocation} from '../../invocation.js';
import {kernelConfigs} from '../../invocation.js';
import {varyingNumbers} from '../../native-numbers.js';
import type {Attributes, DType, OpDefinition} from '../../op.js';
import {kernelName} from '../../op.js';
import {composeOnPurpose} from '../../run.js';
import {asArgumentError} from './argument-error.js';
import type {NodeBackend, OpAttr} from './node-backend.js';
import {vectorOf} from './node-backend.js';
import {noteTaken, noteVarying} from './recording.js';
import {replaceStockKernels} from './stand-ins.js';
import type {NativeOperator, NativeOps} from './table.js';

/** Loads TensorFlow and the operators. Errors: Error that says what is missing and how to get it. */
export function startTensorFlow(): NativeOps {
  const native = loadTensorFlow();
  replaceStockKernels();
  return native;
}

/** The operators as the addon declares them. */
export function nativeOperators(): readonly NativeOperator[] {
  return JSON.parse(loadTensorFlow().operators) as NativeOperator[];
}

/** Whether TensorFlow computes on a GPU. */
export function usesGpu(): boolean {
  loadTensorFlow();
  return (findBackend('tensorflow') as unknown as NodeBackend).isUsingGpuDevice;
}

export function registerTensorFlowKernels(ops: readonly OpDefinition[]): void {
  const onGpu = usesGpu();
  const {cuda} = loadTensorFlow();
  if (onGpu && !cuda) {
    console.warn(
      'bmojo: TensorFlow computes on a GPU, but the operators were built without CUDA kernels and run on the CPU, with ' +
        'copies to and fro; run `npx bmojo setup tensorflow --gpu`',
    );
  }
  for (const native of nativeOperators()) {
    const op = ops.find(({name}) => name === native.name);
    if (op === undefined || getKernel(kernelName(op, 'forward'), 'tensorflow') !== undefined) continue;
    if (onGpu && cuda && native.forward.cuda === null) {
      composeOnPurpose(op, 'tensorflow');
      continue;
    }
    for (const config of kernelConfigs(op, 'tensorflow', (call, direction, backend) =>
      run(op, native, call, direction, backend as NodeBackend),
    )) {
      registerKernel(config);
    }
  }
}

function run(
  op: OpDefinition,
  native: NativeOperator,
  call: Invocation,
  direction: 'forward' | 'backward',
  backend: NodeBackend,
): TensorInfo[] {
  const ports = direction === 'forward' ? native.forward : native.backward;
  if (ports === null) throw new Error(`bmojo: ${op.name} has no ${direction} kernel`);
  const inputs = ports.inputs.map(({name, dtype}) => call.inputs[name] ?? absent(backend, dtype));
  const words = varyingWords(op, call.attrs);
  const varying = words && vectorOf(backend, words, 'int32');
  if (varying !== undefined) {
    inputs.push(varying);
    noteVarying(varying.dataId, {
      op: op.name,
      attrs: call.attrs,
      renew: attrs => ({
        attrs: nativeAttributes(native, attrs, backend),
        words: varyingWords(op, attrs) ?? [],
      }),
    });
  }
  try {
    const outputs = backend.executeMultipleOutputs(
      kernelName(op, direction),
      nativeAttributes(native, call.attrs, backend),
      inputs,
      ports.outputs.length,
    );
    return keepWanted(op, call, ports.outputs, outputs, backend);
  } catch (error) {
    throw asArgumentError(error);
  } finally {
    if (varying !== undefined) backend.disposeData(varying.dataId);
  }
}

/** What the op returns; variables take over what was written for them, the rest is let go. */
function keepWanted(
  op: OpDefinition,
  call: Invocation,
  ports: readonly {name: string}[],
  outputs: Tensor[],
  backend: NodeBackend,
): TensorInfo[] {
  const kept: TensorInfo[] = [];
  ports.forEach(({name}, index) => {
    if (op.inputs[name]?.inPlace) takeOver(backend, call.inputs[name], outputs[index]);
    else if (call.outputs.some(output => output.name === name)) kept.push(outputs[index]);
    else outputs[index].dispose();
  });
  return kept;
}

/**
 * Gives a tensor the memory of another. TensorFlow's own tensors never change, so that what shares the old memory
 * (reshaped views, the arrays they came from) keeps the old values.
 */
function takeOver(backend: NodeBackend, target: TensorInfo, source: Tensor): void {
  const to = backend.tensorMap.get(target.dataId);
  const from = backend.tensorMap.get(source.dataId);
  noteTaken(target.dataId, source.dataId);
  [to.id, from.id] = [from.id, to.id];
  source.dispose();
}

const absentInputs = new WeakMap<NodeBackend, Map<DType, TensorInfo>>();

/** Optional inputs that are absent reach TensorFlow as tensors without elements. */
function absent(backend: NodeBackend, dtype: DType): TensorInfo {
  const known = absentInputs.get(backend) ?? new Map<DType, TensorInfo>();
  absentInputs.set(backend, known);
  const made = known.get(dtype) ?? vectorOf(backend, [], dtype);
  known.set(dtype, made);
  return made;
}

/** As int32, which tfjs-node leaves in host memory where TensorFlow computes on a GPU. */
function varyingWords(op: OpDefinition, attrs: Attributes): number[] | undefined {
  const {names, type, compute} = varyingNumbers(op);
  if (names.length === 0) return undefined;
  const numbers = compute(attrs);
  return type === 'float32' ? [...new Int32Array(Float32Array.from(numbers).buffer)] : numbers;
}

function nativeAttributes(native: NativeOperator, attrs: Attributes, {binding}: NodeBackend): OpAttr[] {
  const types = {
    bool: binding.TF_ATTR_BOOL,
    int: binding.TF_ATTR_INT,
    float: binding.TF_ATTR_FLOAT,
    string: binding.TF_ATTR_STRING,
  };
  return native.attributes.map(({name, type}) => ({name, type: types[type], value: attrs[name]}));
}
