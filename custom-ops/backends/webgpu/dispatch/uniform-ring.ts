// Numbers that change from call to call, in one buffer with dynamic offsets: no buffer or upload for each dispatch.

import type {Recorder} from './recorder.js';
import {submit} from './recorder.js';

const SLOT_BYTES = 256; // the largest minUniformBufferOffsetAlignment that WebGPU allows
const SLOTS = 1024;

export class UniformRing {
  readonly buffer: GPUBuffer;
  private next = 0;
  private readonly written = new Map<string, number>();

  constructor(private readonly recorder: Recorder) {
    this.buffer = recorder.device.createBuffer({
      size: SLOT_BYTES * SLOTS,
      usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
    });
  }

  /** Byte offset at which these numbers lie, for the commands now being recorded. */
  place(values: readonly number[]): number {
    const key = values.join();
    const known = this.written.get(key);
    if (known !== undefined) return known;
    if (this.next === SLOTS) {
      // Writes happen before the commands still being recorded: those must not lose their numbers.
      submit(this.recorder);
      this.next = 0;
      this.written.clear();
    }
    const offset = this.next++ * SLOT_BYTES;
    this.recorder.queue.writeBuffer(this.buffer, offset, Float32Array.from(values));
    this.written.set(key, offset);
    return offset;
  }
}

export const uniformBytes = SLOT_BYTES;
