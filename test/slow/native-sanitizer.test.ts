// The C++ kernels outside of TensorFlow, under the address and undefined-behaviour sanitizers: every case of every op,
// forward and backward, on exactly sized memory, with 1, 2 and 3 threads whose results must be equal bit for bit.

import {execFileSync, spawnSync} from 'node:child_process';
import {existsSync, mkdtempSync, readdirSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {varyingNumbers} from '../../custom-ops/native-numbers.js';
import type {Attributes, OpCase, OpDefinition} from '../../custom-ops/op.js';
import {opList} from '../../custom-ops/op-list.js';
import {caseDims, sampleCase} from '../../custom-ops/sampling.js';

const root = join(import.meta.dirname, '../../..');

/** Where the values of each float input lie in a sample, as custom-ops/native/tensorflow/harness.cc reads it. */
function ranges(op: OpDefinition, one: OpCase<Attributes>): [string, string][] {
  const {inputs} = sampleCase(op, one, 5);
  return Object.keys(inputs)
    .filter(name => op.inputs[name].dtype === 'float32')
    .map(name => {
      // A loop: some inputs have more numbers than a call takes arguments.
      let [least, most] = [Number.POSITIVE_INFINITY, Number.NEGATIVE_INFINITY];
      for (const value of inputs[name]) [least, most] = [Math.min(least, value), Math.max(most, value)];
      return [`range.${name}`, `${least.toFixed(4)}:${most.toFixed(4)}`];
    });
}

/** One case a line, as the harness reads them: sizes, attributes and the numbers that vary by name. */
function caseLine(op: OpDefinition, one: OpCase<Attributes>): string {
  const {names, compute} = varyingNumbers(op);
  const numbers = compute(one.attrs);
  const settings = [
    ...Object.entries({...caseDims(op, one), ...one.attrs}),
    ...names.map((name, i) => [name, numbers[i]]),
    ...ranges(op, one),
  ];
  const words = settings.map(([name, value]) => `${name}=${value}`);
  if (one.omit !== undefined && one.omit.length > 0) words.push(`omit=${one.omit.join(',')}`);
  return [op.name, ...words].join(' ');
}

function caseLines(): string[] {
  return opList.flatMap(op => op.cases.filter(({use}) => use === 'test').map(one => caseLine(op, one)));
}

describe('native kernels under sanitizers', () => {
  it('touch nothing but their own memory and agree over threads', function () {
    if (spawnSync('g++', ['--version']).status !== 0) {
      if (process.env.CI === 'true') throw new Error('g++ is missing');
      console.warn(
        '\nSANITIZER TESTS DID NOT RUN: g++ is missing (Debian: apt-get install build-essential)\n',
      );
      this.skip();
    }
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-sanitizer-'));
    try {
      const ownSources = ['operator', 'operators', 'operators.generated', 'plus', 'pool', 'harness'].map(
        name => `custom-ops/native/tensorflow/${name}.cc`,
      );
      const harness = join(folder, 'harness');
      // prettier-ignore
      const flags = [
        '-std=c++17',
        '-O1',
        '-g',
        '-march=native',
        '-fno-math-errno',
        '-fsanitize=address,undefined',
        '-fno-sanitize-recover=all',
        '-Icustom-ops',
        '-Wno-unknown-pragmas',
        '-o',
        harness,
      ];
      const kernels = readdirSync(join(root, 'custom-ops'))
        .map(name => `custom-ops/${name}/op_tf.cc`)
        .filter(path => existsSync(join(root, path)));
      const sources = [...ownSources, ...kernels];
      execFileSync('g++', [...flags, ...sources, '-lpthread'], {cwd: root});
      // plus stands in for an op of TensorFlow and has no definition of its own to take cases from.
      const lines = [...caseLines(), 'plus *=1', 'plus *=70001'];
      const {status, stdout, stderr} = spawnSync(harness, {input: lines.join('\n'), encoding: 'utf8'});
      expect(status, `${stdout}${stderr.slice(0, 3000)}`).to.equal(0);
      expect(stdout).to.include(`${lines.length} cases agree over threads, 0 do not`);
    } finally {
      rmSync(folder, {recursive: true});
    }
  });
});
