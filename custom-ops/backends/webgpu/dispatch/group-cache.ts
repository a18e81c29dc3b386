// Bind groups by the buffers that they bind, found without making a key of them.

/** Groups of some bindings; further buffers lead on. */
interface Level {
  group?: GPUBindGroup;
  next?: Map<GPUBuffer, Level>;
}

export class GroupCache {
  private root: Level = {};
  /** Groups held. */
  size = 0;

  get(buffers: readonly GPUBuffer[]): GPUBindGroup | undefined {
    let level: Level | undefined = this.root;
    for (let i = 0; i < buffers.length; i++) {
      level = level.next?.get(buffers[i]);
      if (level === undefined) return undefined;
    }
    return level.group;
  }

  set(buffers: readonly GPUBuffer[], group: GPUBindGroup): void {
    let level = this.root;
    for (const buffer of buffers) {
      level.next ??= new Map();
      let next = level.next.get(buffer);
      if (next === undefined) {
        next = {};
        level.next.set(buffer, next);
      }
      level = next;
    }
    if (level.group === undefined) this.size++;
    level.group = group;
  }

  clear(): void {
    this.root = {};
    this.size = 0;
  }
}
