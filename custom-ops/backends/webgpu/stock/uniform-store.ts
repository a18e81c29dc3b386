// The uniforms of tfjs's programs, laid out as WGSL wants them. Equal ones lie in one place, written once.

import type {Recorder, TfjsUniform} from '../dispatch/recorder.js';
import {submit} from '../dispatch/recorder.js';
import {uniformBytes} from '../dispatch/uniform-ring.js';

const SLOTS = 4096;

/** Byte alignment of a WGSL vector of so many numbers; tfjs writes 5 and 6 as a vec4 and the rest. */
function alignment(length: number): number {
  return length === 1 ? 4 : length === 2 ? 8 : 16;
}

/** Uniforms as the bytes of a struct. */
export function packUniforms(uniforms: readonly TfjsUniform[]): ArrayBuffer {
  let end = 0;
  let largest = 4;
  let isAfterLong = false;
  const fields = uniforms.map(({type, data}) => {
    const numbers = data.length === 0 ? [1] : data;
    const align = isAfterLong ? 16 : alignment(numbers.length);
    isAfterLong = numbers.length > 4;
    largest = Math.max(largest, align);
    const offset = Math.ceil(end / align) * align;
    end = offset + 4 * numbers.length;
    return {type, numbers, offset};
  });
  const bytes = new ArrayBuffer(Math.ceil(end / largest) * largest);
  for (const {type, numbers, offset} of fields) {
    const kind = type === 'int32' ? Int32Array : type === 'uint32' ? Uint32Array : Float32Array;
    new kind(bytes, offset, numbers.length).set(numbers);
  }
  return bytes;
}

export class UniformStore {
  readonly buffer: GPUBuffer;
  private next = 0;

  /** `onFull` is called when all slots are given up for new ones. */
  constructor(
    private readonly recorder: Recorder,
    private readonly onFull: () => void,
  ) {
    this.buffer = recorder.device.createBuffer({
      size: SLOTS * uniformBytes,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
  }

  /** Byte offset and size of the place that the uniforms got. */
  place(uniforms: readonly TfjsUniform[]): {offset: number; size: number} {
    const bytes = packUniforms(uniforms);
    const slots = Math.ceil(bytes.byteLength / uniformBytes);
    if (this.next + slots > SLOTS) {
      // Writes happen before the commands still being recorded: those must not lose their numbers.
      submit(this.recorder);
      this.onFull();
      this.next = 0;
    }
    const offset = this.next * uniformBytes;
    this.next += slots;
    this.recorder.queue.writeBuffer(this.buffer, offset, bytes);
    return {offset, size: slots * uniformBytes};
  }
}
