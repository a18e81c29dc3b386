import {chmodSync, mkdtempSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import type {OpTiming} from '../../bench/ops.js';
import {PyTorch, PyTorchError} from '../../bench/pytorch.js';
import {measurable, median, spread} from '../../bench/timing.js';
import {row} from '../../cli/bench-ops.js';

describe('PyTorch beside a benchmark', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-python-'));
  });
  afterEach(() => rmSync(folder, {recursive: true}));

  /** What is said of a Python that ends with these lines on stderr. */
  async function said(lines: readonly string[]): Promise<string> {
    const python = join(folder, 'python');
    writeFileSync(python, `#!/bin/sh\n${lines.map(line => `echo "${line}" >&2\n`).join('')}exit 1\n`);
    chmodSync(python, 0o755);
    return refusalOf(python);
  }

  async function refusalOf(python: string): Promise<string> {
    const error = await new PyTorch(python).start(1).catch((caught: unknown) => caught);
    expect(error).to.be.instanceOf(PyTorchError);
    return (error as PyTorchError).message.replace(folder, '');
  }

  it('says in a sentence what to install, and shows no stack of Python', async () => {
    const traceback = ['Traceback (most recent call last):', '  import torch'];
    expect(await said([...traceback, "ModuleNotFoundError: No module named 'torch'"])).to.match(
      /^bench-tensorflow: \/python has no torch\. .*pip install -r bench\/pytorch\/requirements\.txt.*--python [^\n]*$/,
    );
    expect(await said([...traceback, 'RuntimeError: Ninja is required'])).to.match(
      /ended without an answer \(RuntimeError: Ninja is required\)\. [^\n]*$/,
    );
    expect(await refusalOf(join(folder, 'nowhere'))).to.match(/ENOENT\)\. [^\n]*pip install[^\n]*$/);
  });
});

describe('bench under load', () => {
  it('tells the median with the distance between the quartiles', () => {
    expect(median([5, 1, 2, 100])).to.equal(3.5);
    expect(spread([1, 2, 3, 4, 5])).to.equal(2);
    expect(spread([1, 2, 3, 4])).to.equal(1.5);
    expect(spread([7])).to.equal(0);
  });

  it('calls a difference of nothing or less not measurable', () => {
    expect([0.2, 0, -0.3, Number.NaN, undefined].map(measurable)).to.deep.equal([
      0.2,
      ...Array.from({length: 4}, () => undefined),
    ]);
    const timing: OpTiming = {
      op: 'linear',
      case: 'small',
      form: 'kernel',
      backend: 'wasm',
      forwardMs: 2,
      forwardSpreadMs: 0.5,
      totalMs: 1.9,
      totalSpreadMs: 0.19,
      notMeasurable: true,
      runs: 5,
      clock: 'host',
      forwardBytes: 1024,
      peakBytes: 1024,
    };
    expect(row(timing, timing)).to.match(/2\.00 +25 % +not measurable +1\.90 +10 %/);
    expect(row({...timing, notMeasurable: false, backwardMs: 0.4}, timing)).to.include(' 0.40 ');
  });
});
