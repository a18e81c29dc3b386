// The error measure of every comparison: RMS of the difference over RMS of the reference; NaN never passes.

import {expect} from 'chai';
import {relativeError} from '../../custom-ops/parity.js';

export {relativeError};

export function expectClose(
  actual: ArrayLike<number>,
  expected: ArrayLike<number>,
  tolerance: number,
  what: string,
): void {
  expect(actual.length, 'number of elements').to.equal(expected.length);
  const error = relativeError(actual, expected);
  expect(
    Number.isFinite(error),
    `${what}: every element must be finite, RMS-relative error ${error}`,
  ).to.equal(true);
  expect(error, `${what}: RMS-relative error`).to.be.at.most(tolerance);
}
