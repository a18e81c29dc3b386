// The long run of the fuzz suite.

import {expect} from 'chai';
import {runSuite} from '../fuzz/suite.js';

const CASES = 100_000;

describe('fuzzing at length', () => {
  it(`${CASES} cases over all readers`, async () => {
    expect(await runSuite({cases: CASES, seed: 13})).to.deep.equal([]);
  });
});
