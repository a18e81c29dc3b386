// The CUDA kernels as TensorFlow runs them, where there is no GPU: the operators are built with the CUDA sources compiled as
// C++ in place of the CPU's kernels, so that pointers, numbers, workspace, absent inputs and refusals are all the GPU's.

import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {kernelName} from '../../custom-ops/op.js';
import {opList} from '../../custom-ops/op-list.js';
import {useReadableBackend} from '../support/backends.js';
import type {EmulatedFindings} from '../support/emulated-operators.js';
import {hostInputs} from '../support/registered-kernels.js';

const root = join(import.meta.dirname, '../../..');
const kernelOps = opList.filter(({composedOnCuda}) => !composedOnCuda);

describe('CUDA kernels in TensorFlow, emulated', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bmojo-emulated-'));
  let findings: EmulatedFindings;
  after(() => rmSync(folder, {recursive: true}));

  before(async function () {
    await useReadableBackend(this, 'tensorflow');
    const program = (...args: string[]): string => {
      const done = spawnSync(process.execPath, args, {cwd: root, encoding: 'utf8', maxBuffer: 2 ** 26});
      expect(done.status, `${args[0]}\n${done.stdout}${done.stderr}`).to.equal(0);
      return done.stdout;
    };
    program('scripts/setup-tensorflow/emulated.mjs', folder);
    const output = program('dist/test/support/emulated-operators.js', join(folder, 'bmojo_ops.node'));
    findings = JSON.parse(output.slice(output.indexOf('{'))) as EmulatedFindings;
  });

  it('are registered for the GPU, with the inputs that stay on the host', () => {
    const names = kernelOps.flatMap(op => [
      kernelName(op, 'forward'),
      ...(op.backward === undefined ? [] : [kernelName(op, 'backward')]),
    ]);
    expect(Object.keys(findings.kernels)).to.have.members(names);
    for (const op of kernelOps) {
      const kernel = findings.kernels[kernelName(op, 'forward')].find(({device}) => device === 'GPU')!;
      expect(kernel.host, op.name).to.deep.equal(hostInputs(op));
    }
    for (const [name, kernels] of Object.entries(findings.kernels))
      expect(
        kernels.map(({device}) => device),
        name,
      ).to.include('GPU');
  });

  it('agree with float64 in every case, leaving nothing unwritten', () => {
    const cases = kernelOps.flatMap(op =>
      op.cases.filter(({use}) => use === 'test').map(({name}) => `${op.name} ${name}`),
    );
    expect(findings.compared).to.deep.equal(cases);
    expect(findings.off).to.deep.equal([]);
  });

  it('round the factors of products where that is asked, and compute in float32 what they have no kernel for', () => {
    const {ssdScan, memoryAttention} = findings.rounding;
    const elevenBits = [ssdScan.tf32, memoryAttention.tf32, memoryAttention.float16];
    for (const rounding of elevenBits) expect(rounding).to.be.within(1e-5, 2e-3);
    expect(memoryAttention.bfloat16).to.be.within(1e-3, 2e-2);
    expect([ssdScan.float16, ssdScan.bfloat16]).to.deep.equal([0, 0]);
  });

  it('refuse numbers that lie on the host at once, those on the GPU at the next call', () => {
    expect(findings.label).to.match(/^crossEntropy: labels must be integers in \[0, 2\] or -100, got 3/);
    expect(findings.firstPosition).to.equal('accepted');
    expect(findings.nextPosition).to.match(
      /^memoryAttention: positions must be within its range, got a number outside of it at flat index 0/,
    );
  });

  it('refuse sizes that they are not built for', () => {
    expect(findings.sizes).to.match(
      /^memoryAttention: its sizes must be among .*CUDA.*got q \[1, 4, 1, 130\]/,
    );
  });
});
