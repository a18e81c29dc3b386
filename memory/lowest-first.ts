// Rows in the order in which a quota drives them out: lowest innovation first, of equal ones the older. A binary heap.

export class LowestFirst {
  private readonly innovations: number[] = [];
  private readonly positions: number[] = [];

  get size(): number {
    return this.positions.length;
  }

  push(innovation: number, position: number): void {
    let at = this.positions.length;
    this.innovations.push(innovation);
    this.positions.push(position);
    while (at > 0) {
      const parent = (at - 1) >>> 1;
      if (!this.isLower(at, parent)) return;
      this.swap(at, parent);
      at = parent;
    }
  }

  /** Takes the lowest out; undefined when there is none. */
  pop(): {innovation: number; position: number} | undefined {
    if (this.size === 0) return undefined;
    const lowest = {innovation: this.innovations[0], position: this.positions[0]};
    this.swap(0, this.size - 1);
    this.innovations.pop();
    this.positions.pop();
    for (let at = 0; ; ) {
      const [left, right] = [2 * at + 1, 2 * at + 2];
      let next = at;
      if (left < this.size && this.isLower(left, next)) next = left;
      if (right < this.size && this.isLower(right, next)) next = right;
      if (next === at) return lowest;
      this.swap(at, next);
      at = next;
    }
  }

  private isLower(a: number, b: number): boolean {
    const {innovations, positions} = this;
    return innovations[a] === innovations[b] ? positions[a] < positions[b] : innovations[a] < innovations[b];
  }

  private swap(a: number, b: number): void {
    for (const list of [this.innovations, this.positions]) [list[a], list[b]] = [list[b], list[a]];
  }
}
