// Random numbers as a function of (key, counter) without shared state, so that a sample is the same on every machine,
// in any order and on any worker: Threefry-2x32 with 20 rounds (Salmon et al., SC 2011, doi 10.1145/2063384.2063405).

const PARITY = 0x1bd11bda;

/**
 * One block of the Threefry-2x32-20 cipher: two 32-bit words for a key (k0, k1) and a counter (c0, c1), written into `out`.
 * Words are unsigned. Rotations are constants, since samples of many tokens spend their time here.
 */
export function threefry(k0: number, k1: number, c0: number, c1: number, out: Uint32Array): void {
  // The words of the key take turns: after every four rounds the next two are added.
  let [a, b, c] = [k1 | 0, PARITY ^ k0 ^ k1, k0 | 0];
  let x0 = (c0 + k0) | 0;
  let x1 = (c1 + k1) | 0;
  for (let group = 1; group <= 5; group++) {
    if ((group & 1) === 1) {
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 13) | (x1 >>> 19)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 15) | (x1 >>> 17)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 26) | (x1 >>> 6)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 6) | (x1 >>> 26)) ^ x0;
    } else {
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 17) | (x1 >>> 15)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 29) | (x1 >>> 3)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 16) | (x1 >>> 16)) ^ x0;
      x0 = (x0 + x1) | 0;
      x1 = ((x1 << 24) | (x1 >>> 8)) ^ x0;
    }
    x0 = (x0 + a) | 0;
    x1 = (x1 + b + group) | 0;
    const first = a;
    a = b;
    b = c;
    c = first;
  }
  out[0] = x0;
  out[1] = x1;
}

/** A sequence of random numbers that belongs to one key and one stream number. */
export interface Random {
  /** Uniform in the open interval (0, 1), 52 bits. */
  uniform(): number;
  /** Uniform integer in [0, limit). */
  integer(limit: number): number;
  /** `count` distinct integers of [0, limit), uniformly, in random order. */
  distinct(count: number, limit: number): number[];
}

/** The sequence of `stream` under `key`; two calls with equal arguments give equal sequences. */
export function randomStream(key: readonly [number, number], stream: number): Random {
  const [k0, k1] = key;
  const words = new Uint32Array(2);
  let block = 0;
  const uniform = (): number => {
    threefry(k0, k1, stream, block++, words);
    return ((words[0] >>> 6) * 2 ** 26 + (words[1] >>> 6) + 0.5) / 2 ** 52;
  };
  const integer = (limit: number): number => Math.floor(uniform() * limit);
  const distinct = (count: number, limit: number): number[] => {
    const moved = new Map<number, number>(); // the part of a Fisher-Yates array that differs from the identity
    return Array.from({length: count}, (_, i) => {
      const j = i + integer(limit - i);
      const chosen = moved.get(j) ?? j;
      moved.set(j, moved.get(i) ?? i);
      return chosen;
    });
  };
  return {uniform, integer, distinct};
}

/**
 * Indices of `weights` by successive sampling without replacement (Plackett-Luce), the first `count` in draw order.
 * Gumbel-top-k: the largest of log w + Gumbel noise, descending (Kool et al., arXiv 1903.06059).
 */
export function weightedDistinct(random: Random, logWeights: readonly number[], count: number): number[] {
  const scores: number[] = [];
  const best: number[] = [];
  for (let index = 0; index < logWeights.length; index++) {
    const score = logWeights[index] - Math.log(-Math.log(random.uniform()));
    scores.push(score);
    let place = best.length;
    while (place > 0 && scores[best[place - 1]] < score) place--;
    if (place >= count) continue;
    // Those behind move on by one; the last one of a full list leaves it.
    for (let last = Math.min(best.length, count - 1); last > place; last--) best[last] = best[last - 1];
    best[place] = index;
  }
  return best;
}
