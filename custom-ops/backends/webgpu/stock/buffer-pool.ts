// Buffers for reuse, in place of tfjs's manager, whose release searches all buffers in use.

import {beyondBinding, mostBindingBytes} from '../dispatch/bindings.js';
import type {BufferManager, StockBuffers} from '../dispatch/recorder.js';

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

  /** `before`: the manager that it takes the place of, whose buffers become its own. */
  constructor(
    private readonly device: GPUDevice,
    before: StockBuffers,
  ) {
    for (const buffers of before.freeBuffers.values())
      for (const buffer of buffers) this.shelfOf(buffer.size, buffer.usage).free.push(buffer);
    for (const buffers of before.usedBuffers.values())
      for (const buffer of buffers) this.used.set(buffer, this.shelfOf(buffer.size, buffer.usage));
    this.numBytesUsed = before.numBytesUsed;
    this.numBytesAllocated = before.numBytesAllocated;
  }

  /** Errors: Error where the buffer is to be bound and is longer than the device binds. */
  acquireBuffer(size: number, usage: number, mappedAtCreation = false, reuse = true): GPUBuffer {
    const shelf = this.shelfOf(size, usage);
    let buffer = reuse ? shelf.free.pop() : undefined;
    if (buffer === undefined) {
      const most = mostBindingBytes(this.device.limits);
      if (size > most && (usage & GPUBufferUsage.STORAGE) !== 0)
        throw beyondBinding('bmojo: a tensor on webgpu lies', size, most);
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

  private shelfOf(size: number, usage: number): Shelf {
    const key = size * USAGES + usage;
    let shelf = this.shelves.get(key);
    if (shelf === undefined) {
      shelf = {size, free: []};
      this.shelves.set(key, shelf);
    }
    return shelf;
  }
}
