// The uniforms of a recorded step: each pass has a slot of its own, with a copy on the host that a replay may change.

import {uniformBytes} from '../dispatch/uniform-ring.js';

const SLOTS = 256;

interface Block {
  readonly buffer: GPUBuffer;
  readonly values: Float32Array<ArrayBuffer>;
  used: number;
  isChanged: boolean;
}

const FLOATS = uniformBytes / 4;

export class UniformBlock {
  private readonly blocks: Block[] = [];

  constructor(private readonly device: GPUDevice) {}

  /** The buffer of the slot placed last. */
  get buffer(): GPUBuffer {
    return this.blocks[this.blocks.length - 1].buffer;
  }

  /** Slot numbers count through all blocks; the byte offset into the block's buffer is what bind groups take. */
  place(values: readonly number[]): number {
    let block = this.blocks.at(-1);
    if (block === undefined || block.used === SLOTS) {
      const buffer = this.device.createBuffer({
        size: SLOTS * uniformBytes,
        usage: GPUBufferUsage.UNIFORM | GPUBufferUsage.COPY_DST,
      });
      block = {buffer, values: new Float32Array(SLOTS * FLOATS), used: 0, isChanged: false};
      this.blocks.push(block);
    }
    const slot = (this.blocks.length - 1) * SLOTS + block.used++;
    this.change(slot, values);
    this.flush(); // writes come before the commands still being recorded, and no slot is written twice
    return slot;
  }

  change(slot: number, values: readonly number[]): void {
    const block = this.blocks[Math.floor(slot / SLOTS)];
    block.values.set(values, (slot % SLOTS) * FLOATS);
    block.isChanged = true;
  }

  /** Sends what has changed to the device, ahead of what is submitted next. */
  flush(): void {
    for (const block of this.blocks) {
      if (!block.isChanged) continue;
      this.device.queue.writeBuffer(block.buffer, 0, block.values, 0, block.used * FLOATS);
      block.isChanged = false;
    }
  }

  dispose(): void {
    for (const {buffer} of this.blocks) buffer.destroy();
  }
}

/** Byte offset of a slot into its buffer. */
export function slotBytes(slot: number): number {
  return (slot % SLOTS) * uniformBytes;
}
