// The WASM backend: our C++ kernels in a second module that imports tfjs's own memory, so that nothing is copied.

import type {BackendWasm} from '@tensorflow/tfjs-backend-wasm';
import type {DataType, TensorInfo} from '@tensorflow/tfjs-core';
import {getKernel, registerKernel} from '@tensorflow/tfjs-core';
import {checkIntegerRange} from '../integer-range.js';
import type {Invocation} from '../invocation.js';
import {kernelConfigs} from '../invocation.js';
import {wasmBinary} from '../native/wasm-binary.generated.js';
import {nativeScalars} from '../native-numbers.js';
import type {OpDefinition} from '../op.js';
import {kernelName} from '../op.js';
import {opList} from '../op-list.js';
import {shareClonesOnWasm} from './wasm-identity.js';

const STACK_BYTES = 1 << 16;
/** Compiled code takes vectors on its stack and in scratch to lie at multiples of their size; malloc promises only 8. */
const ALIGNMENT = 64;

/** What tests may turn on: outputs and scratch are filled with NaN before a kernel runs. */
export const wasmDebug = {poison: false};

/** The parts of tfjs's WASM module that are there at run time but not in its types. */
interface TfjsWasmModule {
  asm?: {memory?: WebAssembly.Memory};
  wasmMemory?: WebAssembly.Memory;
  HEAPU8: Uint8Array;
  _malloc(bytes: number): number;
  _free(pointer: number): void;
  tfjs: {
    registerTensor(id: number, size: number, pointer: number): void;
    disposeData(id: number): void;
  };
}

/** The numbers under which tfjs's WASM module knows tensors. */
interface TensorNumbers {
  dataIdNextNumber: number;
}

interface NativeModule {
  readonly memory: WebAssembly.Memory;
  readonly host: TfjsWasmModule;
  readonly functions: Readonly<Record<string, (...args: number[]) => number>>;
  scratch: {pointer: number; bytes: number};
}

const modules = new WeakMap<object, NativeModule>();

function decodeBase64(text: string): Uint8Array<ArrayBuffer> {
  const binary = atob(text);
  return Uint8Array.from(binary, character => character.charCodeAt(0));
}

/** Instantiates our kernels on the backend's memory, once for each backend instance. */
function nativeModule(backend: BackendWasm): NativeModule {
  const known = modules.get(backend);
  if (known !== undefined) return known;
  const host = backend.wasm as unknown as TfjsWasmModule;
  const memory = host.asm?.memory ?? host.wasmMemory;
  if (memory === undefined) throw new Error('bmojo: the tfjs WASM module exposes no memory; use tfjs 4.22.0');
  if (typeof SharedArrayBuffer !== 'undefined' && memory.buffer instanceof SharedArrayBuffer) {
    throw new Error(
      "bmojo: tfjs chose its multi-threaded WASM module; call tf.env().set('WASM_HAS_MULTITHREAD_SUPPORT', false) " +
        "before tf.setBackend('wasm'), or useBackend('wasm') of bmojo, which does",
    );
  }
  const instance = new WebAssembly.Instance(new WebAssembly.Module(decodeBase64(wasmBinary)), {
    env: {memory},
  });
  const {__stack_pointer: stack, ...functions} = instance.exports;
  (stack as WebAssembly.Global).value = aligned(host._malloc(STACK_BYTES + ALIGNMENT)) + STACK_BYTES;
  const created: NativeModule = {
    memory,
    host,
    functions: functions as Record<string, (...args: number[]) => number>,
    scratch: {pointer: 0, bytes: 0},
  };
  modules.set(backend, created);
  return created;
}

function aligned(pointer: number): number {
  return Math.ceil(pointer / ALIGNMENT) * ALIGNMENT;
}

function scratchBlock(native: NativeModule, bytes: number): number {
  if (bytes > native.scratch.bytes) {
    if (native.scratch.pointer !== 0) native.host._free(native.scratch.pointer);
    native.scratch = {pointer: native.host._malloc(bytes + ALIGNMENT), bytes};
    if (native.scratch.pointer === 0) {
      native.scratch = {pointer: 0, bytes: 0};
      throw new Error(`bmojo: WASM memory is full (4 GiB at most); ${bytes} more bytes were asked for`);
    }
  }
  const start = aligned(native.scratch.pointer);
  if (wasmDebug.poison) new Float32Array(native.memory.buffer, start, bytes >> 2).fill(Number.NaN);
  return start;
}

function run(
  op: OpDefinition,
  call: Invocation,
  direction: 'forward' | 'backward',
  backend: BackendWasm,
): TensorInfo[] {
  const native = nativeModule(backend);
  const kernel = direction === 'forward' ? op.forward : op.backward;
  if (kernel === undefined) throw new Error(`bmojo: ${op.name} has no ${direction} kernel`);
  const pointers: number[] = [];
  for (const port of call.ports.inputs) {
    const tensor = call.inputs[port.name];
    if (tensor === undefined) {
      pointers.push(0);
      continue;
    }
    const {memoryOffset} = backend.dataIdMap.get(tensor.dataId);
    if (port.dtype === 'int32' && op.integerRange?.[port.name]) {
      const length = tensor.shape.reduce((product, size) => product * size, 1);
      const values = new Int32Array(native.memory.buffer, memoryOffset, length);
      checkIntegerRange(op, port.name, values, call.dims, call.attrs);
    }
    pointers.push(memoryOffset);
  }
  const infos = call.outputs.map(({sizes, dtype}) => backend.makeOutput(sizes, dtype as DataType));
  const offsets = new Map(
    call.outputs.map(({name}, i) => [name, backend.dataIdMap.get(infos[i].dataId).memoryOffset]),
  );
  for (const port of call.ports.outputs) pointers.push(offsets.get(port.name) ?? 0);
  const scratchFloats = kernel.native.scratchFloats?.(call.dims, call.attrs);
  if (scratchFloats !== undefined) pointers.push(scratchBlock(native, scratchFloats * 4));
  if (wasmDebug.poison) {
    call.outputs.forEach(({name, dtype, sizes}) => {
      const length = sizes.reduce((product, size) => product * size, 1);
      const offset = offsets.get(name) ?? 0;
      if (dtype === 'float32') new Float32Array(native.memory.buffer, offset, length).fill(Number.NaN);
      else new Int32Array(native.memory.buffer, offset, length).fill(-(2 ** 31));
    });
  }
  native.functions[kernel.native.symbol](
    ...pointers,
    ...nativeScalars(op, kernel.native, call.dims, call.attrs),
  );
  for (const [name, spec] of Object.entries(op.inputs)) {
    if (spec.inPlace && call.inputs[name] !== undefined) renumber(backend, native, call.inputs[name]);
  }
  return infos;
}

/**
 * Gives memory that was written in place a new number. tfjs's matMul and convolutions keep the weights that they have
 * packed under a tensor's number, and would go on with the old values.
 */
function renumber(backend: BackendWasm, {host}: NativeModule, tensor: TensorInfo): void {
  const numbers = backend as unknown as TensorNumbers;
  const data = backend.dataIdMap.get(tensor.dataId);
  host.tfjs.disposeData(data.id);
  data.id = numbers.dataIdNextNumber++;
  const size = tensor.shape.reduce((product, length) => product * length, 1);
  host.tfjs.registerTensor(data.id, size, data.memoryOffset);
}

/** For every op; with them, clones share their memory. */
export function registerWasmKernels(): void {
  shareClonesOnWasm();
  for (const op of opList) {
    if (getKernel(kernelName(op, 'forward'), 'wasm') !== undefined) continue;
    for (const config of kernelConfigs(op, 'wasm', (call, direction, backend) =>
      run(op, call, direction, backend as BackendWasm),
    )) {
      registerKernel(config);
    }
  }
}
