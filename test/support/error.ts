// The error measure of every comparison: RMS of the difference over RMS of the reference; NaN never passes.

import {expect} from 'chai';

export function relativeError(actual: ArrayLike<number>, expected: ArrayLike<number>): number {
  expect(actual.length, 'number of elements').to.equal(expected.length);
  let difference = 0;
  let reference = 0;
  for (let i = 0; i < expected.length; i++) {
    difference += (actual[i] - expected[i]) ** 2;
    reference += expected[i] ** 2;
  }
  if (reference === 0) return Math.sqrt(difference / Math.max(1, expected.length));
  return Math.sqrt(difference / reference);
}

export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  const error = relativeError(actual, expected);
  expect(
    Number.isFinite(error),
    `${what}: every element must be finite, RMS-relative error ${error}`,
  ).to.equal(true);
  expect(error, `${what}: RMS-relative error`).to.be.at.most(tolerance);
}
