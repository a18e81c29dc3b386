// The command bmojo as a process of its own.

import {spawn} from 'node:child_process';
import {fileURLToPath} from 'node:url';

export const cli = fileURLToPath(new URL('../../cli.js', import.meta.url));

export interface Ended {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

/** Runs bmojo; `onOutput` sees everything printed so far and may send signals. */
export function bmojo(
  args: readonly string[],
  onOutput?: (out: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, [cli, ...args]);
    let out = '';
    let err = '';
    child.stdout.on('data', chunk => {
      out += chunk;
      onOutput?.(out, signal => child.kill(signal));
    });
    child.stderr.on('data', chunk => {
      err += chunk;
    });
    child.on('close', code => resolve({code, out, err}));
  });
}
