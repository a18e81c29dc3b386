// The CUDA kernels where there is no GPU: emulated on the CPU against float64, and compiled where there is nvcc.

import {spawnSync} from 'node:child_process';
import {mkdtempSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {assert} from 'chai';

function succeeds(command: string, ...args: string[]): string {
  const {status, stdout, stderr, error} = spawnSync(command, args, {encoding: 'utf8', maxBuffer: 2 ** 28});
  assert.strictEqual(
    status,
    0,
    `${command} ${args.join(' ')}\n${error ?? ''}${stdout.slice(-4000)}${stderr.slice(-4000)}`,
  );
  return stdout;
}

function isThere(command: string): boolean {
  return spawnSync(command, ['--version']).status === 0;
}

/** A test that needs `command` is not silently left out where it lacks. */
function skipAloud(context: Mocha.Context, command: string, what: string): void {
  console.warn(`NOT RUN: ${what} needs ${command}, which is not there`);
  context.skip();
}

describe('CUDA kernels', () => {
  const folder = mkdtempSync(join(tmpdir(), 'bmojo-cuda-'));
  after(() => rmSync(folder, {recursive: true}));

  it('agree with float64 when emulated on the CPU, and leave nothing unwritten', function () {
    const compiler = process.env.CXX ?? 'g++';
    if (!isThere(compiler) || process.arch !== 'x64') {
      skipAloud(this, `${compiler} on x86-64`, 'the emulated CUDA harness');
    }
    const vectors = join(folder, 'vectors.bin');
    succeeds(process.execPath, 'scripts/cuda-vectors.mjs', vectors);
    succeeds(process.execPath, 'scripts/build-cuda.mjs', '--emulated');
    const output = succeeds('build/cuda/harness-emulated', vectors, '--time', '--variants');
    assert.match(output, /parity: \d+ cases, 0 failures/);
  });

  it('compile with nvcc without warnings', function () {
    const nvcc = process.env.NVCC ?? 'nvcc';
    if (!isThere(nvcc)) skipAloud(this, nvcc, 'compiling the CUDA kernels');
    succeeds(process.execPath, 'scripts/build-cuda.mjs', '--arch', '90');
  });
});
