// Sums over the lanes of a subgroup whose work is halved at each step: lanes exchange the values that the other needs.

/** Values of one lane that are to be summed over lanes, as WGSL names, and the code that declares them. */
export interface Butterfly {
  readonly code: string;
  /** Names of the sums that this lane ends with, `values.length / 2 ** min(masks, log2 values)` of them. */
  readonly sums: readonly string[];
}

/**
 * Sums each of `values` (a power of two of them) over the lanes that differ in the bits `masks`.
 *
 * At each mask a lane keeps half of its values and gives the other half away: the upper half stays with the lanes whose
 * bit is set. A single value is added to both. So with masks from high to low, the lane's bits read from high to low
 * are the high bits of the index of the first value that it holds. `lane` names the invocation's number.
 * Sums are always in the same order. All lanes must reach this code.
 */
export function butterfly(
  values: readonly string[],
  masks: readonly number[],
  lane: string,
  prefix: string,
): Butterfly {
  const lines: string[] = [];
  let held = [...values];
  masks.forEach((mask, step) => {
    const half = held.length / 2;
    if (held.length === 1) {
      const name = `${prefix}${step}`;
      lines.push(`let ${name} = ${held[0]} + subgroupShuffleXor(${held[0]}, ${mask}u);`);
      held = [name];
      return;
    }
    const isUpper = `(${lane} & ${mask}u) != 0u`;
    held = Array.from({length: half}, (_, i) => {
      const name = `${prefix}${step}_${i}`;
      const [low, high] = [held[i], held[i + half]];
      lines.push(
        `let ${name} = select(${low}, ${high}, ${isUpper}) + ` +
          `subgroupShuffleXor(select(${high}, ${low}, ${isUpper}), ${mask}u);`,
      );
      return name;
    });
  });
  return {code: lines.join('\n'), sums: held};
}

/** Powers of two from `high` down to `low`. */
export function maskBits(high: number, low: number): number[] {
  const masks: number[] = [];
  for (let mask = high; mask >= low && mask >= 1; mask /= 2) masks.push(mask);
  return masks;
}
