// Commands that are killed dead at a random moment of their life, again and again.

import {spawn} from 'node:child_process';
import {randomStream} from '../../data/random.js';
import {cli} from './command.js';

/** Kills of each test: a few by default, `BMOJO_KILLS=100` for the hundred. */
export const KILLS = Number(process.env.BMOJO_KILLS ?? 5);

/** Runs bmojo; `kill` stops it dead after so many milliseconds. Resolves to whether it ended by itself, well. */
export function runUntil(args: readonly string[], kill?: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, ...args], {stdio: ['ignore', 'ignore', 'pipe']});
    let words = '';
    child.stderr.on('data', chunk => {
      words += chunk;
    });
    const timer = kill === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), kill);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (signal === 'SIGKILL') resolve(false);
      else if (code === 0) resolve(true);
      else reject(new Error(`bmojo ${args[0]} ended with ${code}: ${words}`));
    });
  });
}

/**
 * Kills a command `KILLS` times, most often near its end, where files are written; `check` looks at what each left.
 * Returns how many ended by themselves before the kill came.
 */
export async function killAgainAndAgain(
  args: (number: number) => readonly string[],
  check: (number: number, ended: boolean) => Promise<void> | void,
): Promise<number> {
  const began = Date.now();
  await runUntil(args(-1));
  let span = Date.now() - began;
  const random = randomStream([9, 9], args.length);
  let ended = 0;
  for (let kill = 0; kill < KILLS; kill++) {
    const own = Date.now();
    const isEnded = await runUntil(args(kill), span * (0.5 + 0.55 * random.uniform()));
    if (isEnded) {
      ended++;
      span = Math.min(span, Date.now() - own);
    }
    await check(kill, isEnded);
  }
  return ended;
}
