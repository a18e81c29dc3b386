// Buffers for reuse, in place of tfjs's manager, whose release searches all buffers in use.

import type {BufferManager} from '../dispatch/recorder.js';

/** Buffers of one size and usage that wait for reuse. */
interface Shelf {
  readonly size: number;
  readonly free: GPUBuffer[];
}

/** Above every combination of usage flags. */
const USAGES = 2 ** 16;

export class BufferPool implements BufferManager {
  numBytesUsed = 0;
  numBytesAllocated = 0;
  private isDisposed = false;
  private readonly shelves = new Map<number, Shelf>();
  /** Where each buffer in use belongs. */
  private readonly used = new Map<GPUBuffer, Shelf>();

  constructor(private readonly device: GPUDevice) {}

  acquireBuffer(size: number, usage: number, mappedAtCreation = false, reuse = true): GPUBuffer {
    const key = size * USAGES + usage;
    let shelf = this.shelves.get(key);
    if (shelf === undefined) {
      shelf = {size, free: []};
      this.shelves.set(key, shelf);
    }
    let buffer = reuse ? shelf.free.pop() : undefined;
    if (buffer === undefined) {
      buffer = this.device.createBuffer({size, usage, mappedAtCreation});
      this.numBytesAllocated += size;
    }
    this.used.set(buffer, shelf);
    this.numBytesUsed += size;
    return buffer;
  }

  releaseBuffer(buffer: GPUBuffer, reuse = true): void {
    const shelf = this.used.get(buffer);
    if (shelf === undefined) {
      if (this.isDisposed) return; // tensors may outlive their backend
      throw new Error('bmojo: a buffer was released that is not in use');
    }
    this.used.delete(buffer);
    this.numBytesUsed -= shelf.size;
    if (reuse) {
      shelf.free.push(buffer);
    } else {
      buffer.destroy();
      this.numBytesAllocated -= shelf.size;
    }
  }

  dispose(): void {
    this.isDisposed = true;
    for (const {free} of this.shelves.values()) for (const buffer of free) buffer.destroy();
    for (const buffer of this.used.keys()) buffer.destroy();
    this.shelves.clear();
    this.used.clear();
    this.numBytesUsed = 0;
    this.numBytesAllocated = 0;
  }
}
