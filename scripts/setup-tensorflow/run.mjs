// Runs other programs, keeping their output for the case that they fail.
import {spawnSync} from 'node:child_process';
import {Problem} from './problem.mjs';

/** Runs a program and returns what it printed; a failure becomes a Problem that shows the end of its output. */
export function run(program, args, {cwd, env = {}, what, remedy}) {
  const done = spawnSync(program, args, {
    cwd,
    env: {...process.env, ...env},
    encoding: 'utf8',
    maxBuffer: 1 << 28,
    shell: process.platform === 'win32',
  });
  if (done.error?.code === 'ENOENT')
    throw new Problem(`${what} needs ${program}, which is not there; ${remedy}`);
  if (done.status !== 0) {
    const output = `${done.stdout ?? ''}${done.stderr ?? ''}`.trimEnd().split('\n').slice(-25).join('\n');
    throw new Problem(`${what} failed; ${remedy}\n\n${output}`);
  }
  return done.stdout;
}

/** Whether a program starts at all. */
export function has(program, args = ['--version']) {
  return spawnSync(program, args, {stdio: 'ignore', shell: process.platform === 'win32'}).status === 0;
}
