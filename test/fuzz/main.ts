// `npm run fuzz [-- --cases N --seed S --from K]`: the fuzz suite from the command line; exits 1 when a case fails.

import {parseArgs} from 'node:util';
import {runSuite} from './suite.js';

const {values} = parseArgs({
  options: {
    cases: {type: 'string', default: '10000'},
    seed: {type: 'string', default: '1'},
    from: {type: 'string', default: '0'},
  },
});
const [cases, seed, from] = [values.cases, values.seed, values.from].map(Number);
const began = Date.now();
const failures = await runSuite({
  cases,
  seed,
  from,
  onProgress: number => {
    if (process.stderr.isTTY) process.stderr.write(`\r${number - from} of ${cases}`);
  },
});
for (const {number, reader, file, what} of failures)
  console.log(`case ${number} of seed ${seed}, ${reader}, ${file}: ${what}`);
console.log(`${cases} cases in ${Math.round((Date.now() - began) / 1000)} s, ${failures.length} failed`);
process.exitCode = failures.length > 0 ? 1 : 0;
