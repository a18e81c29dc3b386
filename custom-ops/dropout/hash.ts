// Random bits as a function of counters: the same on every machine, in any order, without a state.

import type {DropoutAttributes} from './attributes.js';

/** Values of the hash are 32 bits; a rate is a number of them. */
const VALUES = 2 ** 32;

/** A bijection of 32-bit words that scatters them (Wellons, hash-prospector, the constants called lowbias32). */
function mix(word: number): number {
  let h = word;
  h = Math.imul(h ^ (h >>> 16), 0x7feb352d);
  h = Math.imul(h ^ (h >>> 15), 0x846ca68b);
  return h ^ (h >>> 16);
}

/** The hash of an element for one seed and one stream: uniform in [0, 2^32). */
export function elementHash(seed: ArrayLike<number>, stream: number): (index: number) => number {
  const first = mix(seed[0] + mix(seed[1] + mix(stream + 0x9e3779b9)));
  const second = mix(seed[1] + mix(seed[0] + mix(stream + 0x3c6ef372)));
  return index => mix(mix(index + first) ^ second) >>> 0;
}

/** Elements whose hash is below it are dropped. */
export function dropThreshold(rate: number): number {
  return Math.round(rate * VALUES);
}

/** What the elements that stay are multiplied by, a float32: one over the share that stays. */
export function keepScale(rate: number): number {
  return Math.fround(1 / (1 - dropThreshold(rate) / VALUES));
}

/** Stream and threshold as int32: what every kernel takes, so that all make the same mask. */
export function dropoutNumbers({rate, stream}: DropoutAttributes): [stream: number, threshold: number] {
  return [stream, dropThreshold(rate) | 0];
}
