// Many short lists of whole numbers in one array: an array object for each would take ten times the memory.

export class NumberLists {
  private numbers: Int32Array = new Int32Array(1 << 16);
  private ends: Int32Array = new Int32Array(1 << 12);
  private held = 0;
  private taken = 0;

  /** Lists held. */
  get count(): number {
    return this.held;
  }

  /** Numbers held. */
  get used(): number {
    return this.taken;
  }

  /** The place of the list, counted from 0. */
  push(list: Int32Array): number {
    const end = this.taken + list.length;
    if (end > this.numbers.length) this.numbers = grown(this.numbers, end);
    if (this.held === this.ends.length) this.ends = grown(this.ends, this.held + 1);
    this.numbers.set(list, this.taken);
    this.ends[this.held] = end;
    this.taken = end;
    return this.held++;
  }

  /** The lists at these places, one behind the other. */
  joined(places: Int32Array): Int32Array {
    let length = 0;
    for (const place of places) length += this.ends[place] - this.beginOf(place);
    const all = new Int32Array(length);
    let at = 0;
    for (const place of places)
      for (let from = this.beginOf(place); from < this.ends[place]; from++) all[at++] = this.numbers[from];
    return all;
  }

  clear(): void {
    this.held = 0;
    this.taken = 0;
  }

  private beginOf(place: number): number {
    return place === 0 ? 0 : this.ends[place - 1];
  }
}

function grown(array: Int32Array, least: number): Int32Array {
  const longer = new Int32Array(Math.max(least, 2 * array.length));
  longer.set(array);
  return longer;
}
