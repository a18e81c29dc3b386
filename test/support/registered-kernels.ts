// TensorFlow's own list of an op's kernels: a KernelList message of KernelDefs (tensorflow/core/framework/kernel_def.proto).

import {varyingNumbers} from '../../custom-ops/native-numbers.js';
import type {OpDefinition} from '../../custom-ops/op.js';

export interface RegisteredKernel {
  device: string;
  /** Arguments that stay in host memory. */
  host: string[];
}

/** The fields of a message as number and bytes; varints are skipped. */
function fields(message: Uint8Array): [number, Uint8Array][] {
  const found: [number, Uint8Array][] = [];
  let at = 0;
  const varint = (): number => {
    let value = 0;
    for (let shift = 0; ; shift += 7) {
      const byte = message[at++];
      value += (byte & 0x7f) * 2 ** shift;
      if (byte < 0x80) return value;
    }
  };
  while (at < message.length) {
    const key = varint();
    if (key % 8 === 0) varint();
    else if (key % 8 === 2) {
      const length = varint();
      found.push([key >> 3, message.subarray(at, at + length)]);
      at += length;
    } else throw new Error(`wire type ${key % 8} is not one of a KernelList`);
  }
  return found;
}

const text = (bytes: Uint8Array): string => new TextDecoder().decode(bytes);

export function parseKernelList(message: Uint8Array): RegisteredKernel[] {
  return fields(message).map(([, kernel]) => {
    const own = fields(kernel);
    return {
      device: text(own.find(([field]) => field === 2)![1]),
      host: own.filter(([field]) => field === 4).map(([, bytes]) => text(bytes)),
    };
  });
}

/** Inputs that kernels for GPUs want in host memory, under TensorFlow's names. */
export function hostInputs(op: OpDefinition): string[] {
  const own = Object.keys(op.inputs).filter(name => op.inputs[name].onHost);
  return [...own.map(name => `in_${name}`), ...(varyingNumbers(op).names.length > 0 ? ['varying'] : [])];
}
