// PyTorch's side of a side-by-side measurement: a Python process that answers one request at a time.

import type {ChildProcessWithoutNullStreams} from 'node:child_process';
import {spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {delimiter, dirname, join} from 'node:path';
import {createInterface} from 'node:readline';
import {BmojoError} from '../errors/bmojo-error.js';

export interface PyTorchStart {
  readonly torch: string;
  readonly threads: number;
  /** Largest relative deviation of the compiled scan and the chunked attention from plain forms. */
  readonly error: number;
}

/** PyTorch's side cannot be measured; the message says what to install. */
export class PyTorchError extends BmojoError {
  override readonly name = 'PyTorchError';
  readonly kind = 'misuse';
}

const INSTALL =
  'python3 -m venv venv && venv/bin/pip install -r bench/pytorch/requirements.txt makes a Python for it: --python venv/bin/python';

/** Why a Python process ended, of what it wrote to stderr. */
function reason(python: string, errors: string): string {
  const missing = /No module named '([^']+)'/.exec(errors);
  if (missing !== null) return `${python} has no ${missing[1]}. ${INSTALL}`;
  const last = errors.trim().split('\n').at(-1);
  return `${python} ended without an answer${last === '' ? '' : ` (${last})`}. ${INSTALL}`;
}

/** The scripts lie in the source tree, beside the built files' folder. */
function scriptFolder(): string {
  const folder = join(import.meta.dirname, '../../bench/pytorch');
  if (!existsSync(folder))
    throw new PyTorchError(
      "bench-tensorflow: PyTorch's scripts are not packed; run it in a clone of the repository",
    );
  return folder;
}

export class PyTorch {
  private readonly process: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private readonly ended: Promise<unknown>;
  private errors = '';

  constructor(private readonly python: string) {
    const folder = scriptFolder();
    // Extensions are compiled with ninja, which pip puts beside python.
    const path = `${dirname(python)}${delimiter}${process.env.PATH ?? ''}`;
    this.process = spawn(python, ['server.py'], {cwd: folder, env: {...process.env, PATH: path}});
    this.process.on('error', error => {
      this.errors += error.message;
    });
    this.process.stdin.on('error', () => {}); // its process ended, which the missing answer tells
    this.process.stderr.on('data', (data: Buffer) => {
      this.errors += data.toString();
    });
    this.ended = new Promise(resolve => this.process.on('close', resolve));
    this.lines = createInterface({input: this.process.stdout})[Symbol.asyncIterator]();
  }

  start(threads: number): Promise<PyTorchStart> {
    return this.ask<PyTorchStart>({work: 'start', threads});
  }

  /** Milliseconds of `runs` runs; the first call of a work warms it up. */
  async time(work: string, settings: object, runs: number): Promise<number[]> {
    return (await this.ask<{ms: number[]}>({work, settings, runs})).ms;
  }

  stop(): void {
    this.process.stdin.end();
  }

  private async ask<T>(request: object): Promise<T> {
    this.process.stdin.write(`${JSON.stringify(request)}\n`);
    const {value, done} = await this.lines.next();
    if (done) {
      await this.ended;
      throw new PyTorchError(`bench-tensorflow: ${reason(this.python, this.errors)}`);
    }
    return JSON.parse(value) as T;
  }
}
