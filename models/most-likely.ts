// The largest of many numbers in order; all of them are put in order only where many are wanted.

/** Of fewer of all than this share a heap of those found so far is faster than sorting. */
const HEAP_SHARE = 1 / 32;

/** Ids below it and the 32 bits of a float32 are one float64 together. */
const IDS = 2 ** 21;

/** Ids of the `count` largest numbers, or of all, from the largest down; of equal ones the smaller id first. */
export function mostLikely(logits: Float32Array, count: number): number[] {
  if (count < HEAP_SHARE * logits.length) return largest(logits, count);
  return (
    logits.length <= IDS ? sortedByKey(logits) : Array.from(logits.keys()).sort(descending(logits))
  ).slice(0, count);
}

function descending(logits: Float32Array): (a: number, b: number) => number {
  return (a, b) => logits[b] - logits[a] || a - b;
}

function largest(logits: Float32Array, count: number): number[] {
  const order = descending(logits);
  // The last of those kept is on top.
  const heap = Array.from({length: count}, (_, id) => id).sort((a, b) => order(b, a));
  for (let id = count; id < logits.length; id++) {
    if (!(logits[id] > logits[heap[0]])) continue;
    let at = 0;
    for (let child = 1; child < count; child = 2 * at + 1) {
      if (child + 1 < count && order(heap[child + 1], heap[child]) > 0) child++;
      if (order(heap[child], id) < 0) break;
      heap[at] = heap[child];
      at = child;
    }
    heap[at] = id;
  }
  return heap.sort(order);
}

/** All ids in order: numbers sort many times faster than by a function, and the bits of floats order them. */
function sortedByKey(logits: Float32Array): number[] {
  // Adding zero makes the negative zero, which equals the other, the same.
  const numbers = new Float32Array(logits.length);
  const bits = new Uint32Array(numbers.buffer);
  const keys = new Float64Array(logits.length);
  for (let id = 0; id < keys.length; id++) {
    numbers[id] = logits[id] + 0;
    const own = bits[id];
    const descent = own >>> 31 === 1 ? own : 0x7fffffff - own;
    keys[id] = descent * IDS + id;
  }
  keys.sort();
  const ids = new Array<number>(keys.length);
  for (let rank = 0; rank < keys.length; rank++) ids[rank] = keys[rank] % IDS;
  return ids;
}
