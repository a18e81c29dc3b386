// Room in the memory of a WASM kernel. Pieces that were given back are handed out again to whoever wants as many bytes; a
// store's blocks double, so that few sizes serve all.

const PAGE = 1 << 16;
const ALIGNMENT = 64;

/** Bytes of a piece that holds so many. */
function roundedUp(bytes: number): number {
  return Math.ceil(bytes / ALIGNMENT) * ALIGNMENT;
}

export class Arena {
  private readonly free = new Map<number, number[]>();

  constructor(
    private readonly memory: WebAssembly.Memory,
    private end: number,
  ) {}

  /** Where a piece of so many bytes begins; undefined where it would end beyond `limit`, or the system gives no more. */
  take(bytes: number, limit: number): number | undefined {
    const size = roundedUp(bytes);
    const again = this.free.get(size)?.pop();
    if (again !== undefined) return again;
    const start = roundedUp(this.end);
    if (start + size > limit || !this.reach(start + size)) return undefined;
    this.end = start + size;
    return start;
  }

  /** Takes a piece back; nothing of what it held is left. */
  release(start: number, bytes: number): void {
    const size = roundedUp(bytes);
    new Uint8Array(this.memory.buffer, start, size).fill(0);
    const others = this.free.get(size);
    if (others === undefined) this.free.set(size, [start]);
    else others.push(start);
  }

  private reach(end: number): boolean {
    const lacking = end - this.memory.buffer.byteLength;
    if (lacking <= 0) return true;
    try {
      this.memory.grow(Math.ceil(lacking / PAGE));
      return true;
    } catch (error) {
      if (error instanceof RangeError) return false;
      throw error;
    }
  }
}
