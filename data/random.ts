// Random numbers as a function of (key, counter) without shared state, so that a sample is the same on every machine,
// in any order and on any worker: Threefry-2x32 with 20 rounds (Salmon et al., SC 2011, doi 10.1145/2063384.2063405).

const ROTATIONS = [13, 15, 26, 6, 17, 29, 16, 24] as const;
const PARITY = 0x1bd11bda;

/** One block of the Threefry-2x32-20 cipher: two 32-bit words for a key and a counter of two words each. */
export function threefry(
  key: readonly [number, number],
  counter: readonly [number, number],
): [number, number] {
  const schedule = [key[0] | 0, key[1] | 0, PARITY ^ key[0] ^ key[1]];
  let x0 = (counter[0] + schedule[0]) | 0;
  let x1 = (counter[1] + schedule[1]) | 0;
  for (let round = 0; round < 20; round++) {
    const r = ROTATIONS[round & 7];
    x0 = (x0 + x1) | 0;
    x1 = ((x1 << r) | (x1 >>> (32 - r))) ^ x0;
    if ((round & 3) === 3) {
      const s = (round >> 2) + 1;
      x0 = (x0 + schedule[s % 3]) | 0;
      x1 = (x1 + schedule[(s + 1) % 3] + s) | 0;
    }
  }
  return [x0 >>> 0, x1 >>> 0];
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
  let block = 0;
  const uniform = (): number => {
    const [high, low] = threefry(key, [stream, block++]);
    return ((high >>> 6) * 2 ** 26 + (low >>> 6) + 0.5) / 2 ** 52;
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
 * Gumbel-top-k: sort log w + Gumbel noise, descending (Kool et al., arXiv 1903.06059).
 */
export function weightedDistinct(random: Random, logWeights: readonly number[], count: number): number[] {
  const scores = logWeights.map(logWeight => logWeight - Math.log(-Math.log(random.uniform())));
  const order = scores.map((_, index) => index).sort((a, b) => scores[b] - scores[a] || a - b);
  return order.slice(0, count);
}
