// One axis of a plot: the mapping from values to pixels and the round numbers that are written along it.

export type Scale = 'linear' | 'log';

export interface Axis {
  /** Position along the axis, 0 at its start and 1 at its end. */
  place(value: number): number;
  readonly ticks: readonly number[];
}

/** Round values from `low` to `high`: about `count` steps of 1, 2 or 5 times a power of ten. */
function linearTicks(low: number, high: number, count: number): number[] {
  const rough = (high - low) / count;
  const power = 10 ** Math.floor(Math.log10(rough));
  const step = [1, 2, 5, 10].map(m => m * power).find(s => s >= rough * 0.999) ?? 10 * power;
  const first = Math.ceil(low / step - 1e-9);
  const steps = Math.floor(high / step + 1e-9) - first;
  // Ranges that float64 has no steps for, such as one of 5e-324 or of 1e16 to the next number.
  if (!(steps >= 0 && steps <= 2 * count && Math.abs(first) < 2 ** 50))
    return [low, high].filter(Number.isFinite);
  return Array.from({length: steps + 1}, (_, i) => Number(((first + i) * step).toPrecision(12)));
}

/** Ticks that have room beside each other. */
const MOST_TICKS = 16;

/** Powers of ten, with multiples of them when there are few. */
function logTicks(low: number, high: number): number[] {
  const decades = Math.log10(high / low);
  const multiples =
    decades > 4 ? [1] : decades > 1.5 ? [1, 3] : decades > 0.7 ? [1, 2, 5] : [1, 2, 3, 4, 5, 6, 7, 8, 9];
  const ticks: number[] = [];
  for (let power = Math.floor(Math.log10(low)); power <= Math.ceil(Math.log10(high)); power++) {
    for (const m of multiples) {
      const value = Number((m * 10 ** power).toPrecision(12));
      if (value >= low * 0.999 && value <= high * 1.001) ticks.push(value);
    }
  }
  const each = Math.ceil(ticks.length / MOST_TICKS);
  return ticks.filter((_, i) => i % each === 0);
}

/** An axis over the finite values given, with about `count` ticks; a single value gets room on both sides. */
export function axisFor(
  values: readonly number[],
  scale: Scale,
  fixed?: readonly [number, number],
  count = 6,
): Axis {
  const usable = values.filter(value => Number.isFinite(value) && (scale === 'linear' || value > 0));
  let [low, high] = fixed ?? [
    usable.reduce((a, b) => Math.min(a, b), Infinity),
    usable.reduce((a, b) => Math.max(a, b), -Infinity),
  ];
  if (!(low <= high && Number.isFinite(low) && Number.isFinite(high) && (scale === 'linear' || low > 0)))
    [low, high] = scale === 'log' ? [1, 10] : [0, 1];
  if (scale === 'log') {
    if (low === high)
      [low, high] = [Math.max(low / 2, Number.MIN_VALUE), Math.min(high * 2, Number.MAX_VALUE)];
    return {place: value => Math.log(value / low) / Math.log(high / low), ticks: logTicks(low, high)};
  }
  const room = Math.max(0.5, 1e-6 * Math.abs(low));
  if (low === high) [low, high] = [low - room, high + room];
  // Halved, so that the width of a range is a number even where it is the whole of float64.
  return {place: value => (value / 2 - low / 2) / (high / 2 - low / 2), ticks: linearTicks(low, high, count)};
}

/** `1500` as `1.5k`, `2e6` as `2M`, small numbers as they are. */
export function tickLabel(value: number): string {
  const size = Math.abs(value);
  if (size >= 1e9) return `${Number((value / 1e9).toPrecision(4))}G`;
  if (size >= 1e6) return `${Number((value / 1e6).toPrecision(4))}M`;
  if (size >= 1e3) return `${Number((value / 1e3).toPrecision(4))}k`;
  return String(Number(value.toPrecision(6)));
}
