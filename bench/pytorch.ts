// PyTorch's side of a side-by-side measurement: a Python process that answers one request at a time.

import type {ChildProcessWithoutNullStreams} from 'node:child_process';
import {spawn} from 'node:child_process';
import {existsSync} from 'node:fs';
import {delimiter, dirname, join} from 'node:path';
import {createInterface} from 'node:readline';

export interface PyTorchStart {
  readonly torch: string;
  readonly threads: number;
  /** Largest relative deviation of the compiled scan and the chunked attention from plain forms. */
  readonly error: number;
}

/** The scripts lie in the source tree, beside the built files' folder. */
function scriptFolder(): string {
  const folder = join(import.meta.dirname, '../../bench/pytorch');
  if (!existsSync(folder)) throw new Error(`bench-tensorflow: ${folder} is missing; run it in a checkout`);
  return folder;
}

export class PyTorch {
  private readonly process: ChildProcessWithoutNullStreams;
  private readonly lines: AsyncIterator<string>;
  private errors = '';

  constructor(private readonly python: string) {
    const folder = scriptFolder();
    // Extensions are compiled with ninja, which pip puts beside python.
    const path = `${dirname(python)}${delimiter}${process.env.PATH ?? ''}`;
    this.process = spawn(python, ['server.py'], {cwd: folder, env: {...process.env, PATH: path}});
    this.process.on('error', error => {
      this.errors += error.message;
    });
    this.process.stderr.on('data', (data: Buffer) => {
      this.errors += data.toString();
    });
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
      throw new Error(
        `bench-tensorflow: ${this.python} ended without an answer; it needs the packages of ` +
          `bench/pytorch/requirements.txt (--python names another one)\n${this.errors.slice(-2000)}`,
      );
    }
    return JSON.parse(value) as T;
  }
}
