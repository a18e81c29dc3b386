// Small tensors that come from the host, above all numbers used as operands: equal ones share one buffer, so that no use
// but the first uploads anything.

import type {Recorder, TensorData} from '../dispatch/recorder.js';

/** Elements of a tensor that is shared, at most. */
const SMALL = 16;
/** Constants kept; values that never come back must not pile up. */
const KEPT = 1024;

const usage = (): number => GPUBufferUsage.STORAGE | GPUBufferUsage.COPY_SRC | GPUBufferUsage.COPY_DST;

export class SmallConstants {
  private readonly known = new Map<string, GPUBuffer>();
  /** The same for single numbers by value: what most operands are. */
  private readonly numbers = {float32: new Map<number, GPUBuffer>(), int32: new Map<number, GPUBuffer>()};

  constructor(private readonly recorder: Recorder) {}

  /** Gives the tensor a shared buffer when it is small and still on the host alone. */
  share(data: TensorData): void {
    const {values, dtype} = data;
    if (!(values instanceof Float32Array || values instanceof Int32Array) || values.length > SMALL) return;
    if (values.length === 0 || (dtype !== 'float32' && dtype !== 'int32')) return;
    const first = values[0];
    // A map takes -0 for 0, and any NaN for every other.
    const isPlain = values.length === 1 && !Object.is(first, -0) && !Number.isNaN(first);
    let buffer = isPlain ? this.numbers[dtype].get(first) : undefined;
    buffer ??= this.find(dtype, values);
    if (isPlain) this.numbers[dtype].set(first, buffer);
    data.resource = buffer;
    data.external = true; // tfjs does not put it into its pool then
  }

  private find(dtype: 'float32' | 'int32', values: Float32Array | Int32Array): GPUBuffer {
    const numbers = dtype === 'int32' ? Int32Array.from(values) : Float32Array.from(values);
    // Bits rather than numbers: -0 is not 0, and a NaN has a payload.
    const key = `${dtype} ${new Int32Array(numbers.buffer).join()}`;
    let buffer = this.known.get(key);
    if (buffer === undefined) {
      const {device, queue} = this.recorder;
      buffer = device.createBuffer({size: numbers.byteLength, usage: usage()});
      queue.writeBuffer(buffer, 0, numbers);
      if (this.known.size >= KEPT) this.clear();
      this.known.set(key, buffer);
    }
    return buffer;
  }

  private clear(): void {
    this.known.clear();
    this.numbers.float32.clear();
    this.numbers.int32.clear();
  }
}
