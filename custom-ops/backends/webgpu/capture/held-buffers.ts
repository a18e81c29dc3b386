// The buffers of a recorded step. They come from tfjs's pool and do not return to it while the recording lives: replayed
// commands go on using them. Within the step they are reused as tfjs would, since commands keep their order.

import type {BufferManager} from '../dispatch/recorder.js';

/** Who holds a buffer back from tfjs's pool. */
const holders = new WeakMap<GPUBuffer, HeldBuffers>();
const routed = new WeakSet<object>();

/** Makes a pool give buffers that are held to their holder when tfjs releases them; once for each pool. */
function route(pool: BufferManager): void {
  if (routed.has(pool)) return;
  routed.add(pool);
  const release = pool.releaseBuffer.bind(pool);
  pool.releaseBuffer = (buffer, reuse) => {
    const holder = holders.get(buffer);
    if (holder === undefined) release(buffer, reuse);
    else holder.releaseBuffer(buffer, reuse);
  };
}

/** Stands in for tfjs's buffer manager while a step is recorded. */
export class HeldBuffers implements BufferManager {
  /** Whether each buffer may go back to the pool, or is to be destroyed. */
  private readonly held = new Map<GPUBuffer, boolean>();
  private readonly free = new Map<string, GPUBuffer[]>();
  /** Taken and not released: of tensors that may outlive the recording, as what a variable was assigned. */
  private readonly taken = new Set<GPUBuffer>();

  constructor(private readonly pool: BufferManager) {
    route(pool);
  }

  get numBytesUsed(): number {
    return this.pool.numBytesUsed;
  }

  get numBytesAllocated(): number {
    return this.pool.numBytesAllocated;
  }

  acquireBuffer(size: number, usage: number, mappedAtCreation = false, reuse = true): GPUBuffer {
    // What the host writes must be as it was at every replay: such buffers serve once.
    const isWritten = mappedAtCreation || (usage & (GPUBufferUsage.UNIFORM | GPUBufferUsage.MAP_WRITE)) !== 0;
    const known = isWritten || !reuse ? undefined : this.free.get(`${size} ${usage}`)?.pop();
    const isPooled = reuse && !isWritten;
    const buffer = known ?? this.pool.acquireBuffer(size, usage, mappedAtCreation, isPooled);
    if (known === undefined) this.hold(buffer, isPooled);
    this.taken.add(buffer);
    return buffer;
  }

  releaseBuffer(buffer: GPUBuffer, reuse = true): void {
    if (holders.get(buffer) !== this) {
      this.hold(buffer, reuse); // made before the recording and used by it
      return;
    }
    this.taken.delete(buffer);
    if (!reuse || this.held.get(buffer) === false) return;
    const key = `${buffer.size} ${buffer.usage}`;
    const list = this.free.get(key);
    if (list === undefined) this.free.set(key, [buffer]);
    else list.push(buffer);
  }

  /**
   * Gives everything back to tfjs's pool, now or when the tensor that has it is disposed. Commands that use it must be over
   * or submitted.
   */
  dispose(): void {
    for (const [buffer, isPooled] of this.held) {
      holders.delete(buffer);
      if (!this.taken.has(buffer)) this.pool.releaseBuffer(buffer, isPooled);
    }
    this.held.clear();
    this.taken.clear();
    this.free.clear();
  }

  private hold(buffer: GPUBuffer, isPooled: boolean): void {
    holders.set(buffer, this);
    this.held.set(buffer, isPooled);
  }
}
