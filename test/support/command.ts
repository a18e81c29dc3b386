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
  return run([cli, ...args], onOutput);
}

/**
 * Runs bmojo, which sends itself SIGINT as soon as what it has printed matches: a signal from outside may come when all is done.
 */
export function interrupted(args: readonly string[], pattern: RegExp): Promise<Ended> {
  const preloaded = new URL('interrupt-itself.js', import.meta.url);
  preloaded.searchParams.set('pattern', pattern.source);
  return run(['--import', preloaded.href, cli, ...args]);
}

function run(
  args: readonly string[],
  onOutput?: (out: string, kill: (signal: NodeJS.Signals) => void) => void,
): Promise<Ended> {
  return new Promise(resolve => {
    const child = spawn(process.execPath, args);
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
