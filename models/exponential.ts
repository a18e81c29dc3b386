// Exponentials for a whole vocabulary at every token, faster than Math.exp, whose bits differ from engine to engine.

/** Steps of the table between two powers of two: within half of one, a polynomial of degree three is as exact as a float64. */
const BITS = 11;
const STEPS = 2 ** BITS;
const STEPS_OF_ONE = STEPS * Math.LOG2E;
const ONE_OF_STEPS = Math.LN2 / STEPS;
/** Below its exponential, about 1e-304, results are zero. */
const LEAST = -700;

const fractions = Float64Array.from({length: STEPS}, (_, step) => 2 ** (step / STEPS));
const powers = Float64Array.from({length: 1024}, (_, power) => 2 ** -power);

/** e^x for x <= 0, to 1e-13 of it. */
export function exponential(x: number): number {
  if (!(x >= LEAST)) return x < LEAST ? 0 : Number.NaN;
  const scaled = x * STEPS_OF_ONE;
  const steps = (scaled - 0.5) | 0; // the nearest: both are not above zero
  const rest = (scaled - steps) * ONE_OF_STEPS;
  const polynomial = 1 + rest * (1 + rest * (0.5 + rest * (1 / 6)));
  return powers[-(steps >> BITS)] * fractions[steps & (STEPS - 1)] * polynomial;
}
