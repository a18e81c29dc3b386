// kill -9 at a random moment, again and again: the run that goes on ends with the weights of the run that was left alone.

import {spawn} from 'node:child_process';
import {existsSync, mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fileURLToPath} from 'node:url';
import {expect} from 'chai';
import {prepareData, resolveFiles} from '../../data/files/index.js';
import {randomStream} from '../../data/random.js';
import {CheckpointFolder} from '../../experiments/checkpoint-folder.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {metricsOf} from '../support/metrics.js';

const cli = fileURLToPath(new URL('../../cli.js', import.meta.url));
/** Kills on each backend: `BMOJO_KILLS=100` for the hundred. */
const KILLS = Number(process.env.BMOJO_KILLS ?? 20);
const STEPS = 60;
const SETTINGS = [
  ...[
    '--context',
    '16',
    '--segments',
    '3',
    '--batch',
    '4',
    '--steps',
    String(STEPS),
    '--checkpoint-every',
    '2',
  ],
  ...['--d-model', '16', '--heads', '2', '--layers', '2', '--window', '6', '--eidetic-slots', '4'],
  ...['--state-size', '4', '--eval-every', '7', '--eval-samples', '8', '--log-every', '1'],
  ...['--dropout', '0.1'],
];

/** Runs bmojo train lm; `kill` stops it dead after so many milliseconds. Resolves to whether it ended by itself. */
function trainUntil(args: readonly string[], kill?: number): Promise<boolean> {
  return new Promise((resolve, reject) => {
    const child = spawn(process.execPath, [cli, 'train', 'lm', ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let words = '';
    child.stderr.on('data', chunk => {
      words += chunk;
    });
    const timer = kill === undefined ? undefined : setTimeout(() => child.kill('SIGKILL'), kill);
    child.on('close', (code, signal) => {
      clearTimeout(timer);
      if (signal === 'SIGKILL') resolve(false);
      else if (code === 0) resolve(true);
      else reject(new Error(`bmojo train ended with ${code}: ${words}`));
    });
  });
}

describe('a run that is killed', () => {
  let folder: string;
  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-killed-'));
    const files = await resolveFiles(['tiny-shakespeare']);
    await prepareData({files, tokenizer: 'char', out: join(folder, 'data')});
  });
  after(() => rmSync(folder, {recursive: true}));

  for (const backend of readableBackends) {
    it(`goes on to the weights of the uninterrupted run, ${KILLS} kills, ${backend}`, async function () {
      await useReadableBackend(this, backend);
      const start = ['--data', join(folder, 'data'), ...SETTINGS, '--backend', backend];
      const began = Date.now();
      expect(await trainUntil([...start, '--out', join(folder, `${backend}-whole`)])).to.equal(true);
      let span = 0.6 * (Date.now() - began);
      const killed = join(folder, `${backend}-killed`);
      const random = randomStream([9, 9], 0);
      const reached: (number | undefined)[] = [];
      let ended = false;
      const isSpread = (): boolean => new Set(reached).size > Math.min(3, KILLS / 5);
      // A machine that is slower or faster than it was at first needs more kills until they come at its moments.
      for (let kill = 0; kill < KILLS || (kill < 10 * KILLS && !isSpread()); kill++) {
        // A run that came to its end is begun anew, so that twenty kills are twenty kills.
        if (ended) {
          compare(backend);
          rmSync(killed, {recursive: true});
        }
        // At any moment of a process's life, from its first instructions on.
        const moment = random.uniform() * span;
        const begun = existsSync(join(killed, 'checkpoint', 'latest.json'));
        if (!begun) rmSync(killed, {recursive: true, force: true});
        ended = await trainUntil([...(begun ? ['--resume'] : start), '--out', killed], moment);
        reached.push(ended ? STEPS : new CheckpointFolder(join(killed, 'checkpoint')).lastStep);
        if (ended) span *= 0.8;
        else if (reached.at(-1) === reached.at(-2)) span *= 1.2;
      }
      const begun = existsSync(join(killed, 'checkpoint', 'latest.json'));
      if (!begun) rmSync(killed, {recursive: true, force: true});
      if (!ended) await trainUntil([...(begun ? ['--resume'] : start), '--out', killed]);
      compare(backend);
      expect(isSpread(), `reached ${reached.join(', ')}`).to.equal(true);
    });
  }

  function compare(backend: string): void {
    const bytes = (run: string): string[] => {
      const {folder: step} = JSON.parse(
        readFileSync(join(folder, `${backend}-${run}`, 'checkpoint', 'latest.json'), 'utf8'),
      );
      return ['weights.safetensors', 'optimizer.safetensors', 'state.json'].map(file =>
        readFileSync(join(folder, `${backend}-${run}`, 'checkpoint', step, file)).toString('base64'),
      );
    };
    expect(bytes('killed')).to.deep.equal(bytes('whole'));
    const metrics = (run: string): string => metricsOf(join(folder, `${backend}-${run}`));
    expect(metrics('killed')).to.equal(metrics('whole'));
  }
});
