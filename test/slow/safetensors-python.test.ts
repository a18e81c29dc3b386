// Our reader and writer beside the reference, Python's safetensors: the same tensors both ways, and nothing accepted that it
// refuses.

import {spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {randomStream} from '../../data/random.js';
import type {NamedTensorData} from '../../formats/safetensors.js';
import {decodeSafetensors, encodeSafetensors, SafetensorsError} from '../../formats/safetensors.js';
import {mutate} from '../fuzz/mutate.js';

const python = process.env.BMOJO_PYTHON ?? 'python3';
const CASES = 4000;

/** Writes reference.safetensors: every dtype that we read, a scalar, a tensor without elements, awkward names. */
const WRITER = `
import sys, numpy as np
from safetensors.numpy import save_file
r = np.random.default_rng(7)
save_file({
  'a.weight': r.normal(size=(3, 5)).astype(np.float32), 'double': r.normal(size=(2, 2)),
  'ids': r.integers(-9, 9, size=(4,)).astype(np.int32), 'half': r.normal(size=(7,)).astype(np.float16),
  'scalar': np.array(2.5, np.float32), 'none': np.zeros((0, 3), np.float32), 'é "x"': np.ones((1,), np.float32),
}, sys.argv[1], metadata={'format': 'np'})
`;

/** For every file named on standard input a line of JSON: null where the reference refuses it, else its tensors. */
const READER = `
import json, sys, numpy as np
from safetensors import safe_open
for path in sys.stdin.read().split('\\n'):
  try:
    with safe_open(path, 'np') as f:
      print(json.dumps({k: [list(f.get_tensor(k).shape), f.get_tensor(k).astype(np.float64).ravel().tolist()] for k in f.keys()}))
  except BaseException as e:
    print('null')
`;

type Read = Record<string, [number[], number[]]> | null;

const plain = (tensors: readonly NamedTensorData[]): NonNullable<Read> =>
  Object.fromEntries(tensors.map(({name, shape, data}) => [name, [[...shape], Array.from(data)]]));

function ours(bytes: Uint8Array): Read {
  try {
    return plain(decodeSafetensors(bytes, {allowNonFinite: true}).tensors);
  } catch (error) {
    expect(error).to.be.instanceOf(SafetensorsError);
    return null;
  }
}

function theirs(paths: readonly string[]): Read[] {
  const ran = spawnSync(python, ['-c', READER], {
    input: paths.join('\n'),
    encoding: 'utf8',
    maxBuffer: 2 ** 28,
  });
  expect(ran.status, ran.stderr).to.equal(0);
  // Python writes NaN and Infinity as such, which JSON has no words for.
  const words = ran.stdout.replace(/-?\bInfinity\b|\bNaN\b/g, '"none"');
  return words
    .trim()
    .split('\n')
    .map(line => JSON.parse(line));
}

/** Numbers that are none are alike. */
const comparable = (read: Read): string =>
  JSON.stringify(read, (_, value) => (typeof value === 'number' && !Number.isFinite(value) ? 'none' : value));

describe("beside Python's safetensors", function () {
  this.timeout(300_000);
  let folder: string;
  before(function () {
    if (spawnSync(python, ['-c', 'import numpy, safetensors']).status !== 0) {
      console.warn(
        `NOT CHECKED: ${python} cannot import numpy and safetensors; pip install them, or name a python with BMOJO_PYTHON`,
      );
      this.skip();
    }
    folder = mkdtempSync(join(tmpdir(), 'bmojo-safetensors-'));
  });
  after(() => folder && rmSync(folder, {recursive: true, force: true}));

  const reference = (): Uint8Array => {
    const path = join(folder, 'reference.safetensors');
    const ran = spawnSync(python, ['-c', WRITER, path], {encoding: 'utf8'});
    expect(ran.status, ran.stderr).to.equal(0);
    return readFileSync(path);
  };

  it('reads what it writes, and writes what it reads', () => {
    const bytes = reference();
    const read = ours(bytes);
    expect(Object.keys(read ?? {})).to.have.length(7);
    expect(comparable(read)).to.equal(
      comparable(sorted(theirs([join(folder, 'reference.safetensors')])[0], read)),
    );
    const own = join(folder, 'own.safetensors');
    const tensors: NamedTensorData[] = [
      {name: 'w', shape: [2, 3], data: Float32Array.of(1, -2, 3.5, 0, 1e-30, 3e38)},
      {name: 'double', shape: [2], data: Float64Array.of(Math.PI, -1e300)},
      {name: 'ids', shape: [1, 1], data: Int32Array.of(-7)},
      {name: 'scalar', shape: [], data: Float32Array.of(4)},
    ];
    writeFileSync(own, encodeSafetensors(tensors, {format: 'bmojo'}));
    const [found] = theirs([own]);
    expect(comparable(found)).to.equal(comparable(sorted(plain(tensors), found)));
  });

  it(`refuses what it refuses, and reads the same of what both accept, in ${CASES} changed files`, () => {
    const bytes = reference();
    const changed = Array.from({length: CASES}, (_, number) =>
      mutate(randomStream([31, 5], number), 'safetensors', bytes),
    );
    const paths = changed.map((content, number) => {
      const path = join(folder, `${number}.safetensors`);
      writeFileSync(path, content);
      return path;
    });
    const read = theirs(paths);
    let both = 0;
    for (const [number, content] of changed.entries()) {
      const own = ours(content);
      if (own === null) continue;
      both++;
      const other = read[number];
      expect(other, `case ${number} is accepted here and refused there`).not.to.equal(null);
      expect(comparable(sorted(other, own)), `case ${number}`).to.equal(comparable(own));
    }
    // Changes of numbers alone are for a digest to find.
    expect(both).to.be.within(1, CASES / 2);
    expect(read.filter(one => one === null).length).to.be.above(CASES / 4);
  });
});

/** The same tensors in the order of another reading: files do not promise one. */
function sorted(read: Read, like: Read): Read {
  if (read === null || like === null) return read;
  const names = Object.keys(like).filter(name => name in read);
  return Object.fromEntries(
    [...names, ...Object.keys(read).filter(name => !(name in like))].map(name => [name, read[name]]),
  );
}
