// A disk that is full at twenty different moments: the run says so in one line, and goes on to the same weights afterwards.

import {spawn} from 'node:child_process';
import {existsSync, mkdtempSync, readdirSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {CheckpointFolder} from '../../experiments/checkpoint-folder.js';
import {bmojo, cli} from '../support/command.js';
import {metricsOf} from '../support/metrics.js';
import {smallRun} from '../support/small-run.js';
import {loadCheckpoint} from '../support/snapshots.js';

const MOMENTS = 20;
const RUN = ['train', 'mqar', ...smallRun, '--steps', '30', '--eval-every', '10', '--checkpoint-every', '5'];

/** Runs bmojo where no file may be longer than so many blocks of 512 bytes. */
function limited(blocks: number, args: readonly string[]): Promise<{code: number | null; err: string}> {
  return new Promise(resolve => {
    const child = spawn('sh', ['-c', `ulimit -f ${blocks}; exec "$0" "$@"`, process.execPath, cli, ...args], {
      stdio: ['ignore', 'ignore', 'pipe'],
    });
    let err = '';
    child.stderr.on('data', chunk => {
      err += chunk;
    });
    child.on('close', code => resolve({code, err}));
  });
}

describe('a disk that is full', () => {
  let folder: string;
  before(function () {
    if (process.platform === 'win32') this.skip();
    folder = mkdtempSync(join(tmpdir(), 'bmojo-full-'));
  });
  after(() => rmSync(folder, {recursive: true, force: true}));

  it(`at ${MOMENTS} moments ends a run in one line, and the run goes on to the same weights`, async () => {
    const weights = (run: string) => loadCheckpoint(new CheckpointFolder(join(folder, run, 'checkpoint')));
    expect((await bmojo([...RUN, '--out', join(folder, 'whole')])).code).to.equal(0);
    const whole = await weights('whole');
    let refused = 0;
    for (let moment = 0; moment < MOMENTS; moment++) {
      const name = `full-${moment}`;
      const out = join(folder, name);
      // From files of a few hundred bytes to 14 kB, about the longest of the run.
      const blocks = 1 + Math.round(1.4 * moment);
      const {code, err} = await limited(blocks, [...RUN, '--out', out]);
      if (code !== 0) {
        refused++;
        expect(code, err).to.equal(1);
        expect(err, `${blocks} blocks`).to.not.match(/\n\s+at /);
        expect(err).to.match(/EFBIG|file too large|cannot be written/i);
      }
      const begun = existsSync(join(out, 'config.json'));
      const args = begun ? ['train', 'mqar', '--resume', '--out', out] : [...RUN, '--out', out];
      const ended = await bmojo(args);
      expect(ended.code, ended.err).to.equal(0);
      expect(await weights(name)).to.deep.equal(whole);
      expect(metricsOf(out), 'steps').to.equal(metricsOf(join(folder, 'whole')));
      rmSync(out, {recursive: true});
    }
    expect(refused).to.be.above(MOMENTS / 2);
  });

  it('ends data prepare, model export and an evaluation in one line, and the same command goes on', async () => {
    const at = (name: string): string => join(folder, name);
    expect((await bmojo([...RUN, '--out', at('done')])).code).to.equal(0);
    writeFileSync(at('text.txt'), Array.from({length: 20_000}, (_, i) => `line ${i} of the text\n`).join(''));
    const record = join(at('done'), 'evaluations');
    const commands: [string[], string][] = [
      [['data', 'prepare', at('text.txt'), '--out', at('data')], at('data')],
      [['model', 'export', at('done'), '--out', at('model')], at('model')],
      [['model', 'export', join(at('done'), 'model-best'), '--out', at('copy')], at('copy')],
      [['eval', 'mqar', '--checkpoint', at('done'), '--samples', '4'], record],
    ];
    for (const [args, out] of commands) {
      for (const blocks of [0, 1, 3]) {
        const before = existsSync(out) ? readdirSync(out) : [];
        const {code, err} = await limited(blocks, args);
        expect(code, `${args.join(' ')}: ${err}`).to.equal(1);
        expect(err, args.join(' ')).to.match(/^bmojo: .*(EFBIG|file too large|cannot be written)/im);
        expect(err).to.not.match(/\n\s+at /);
        expect(existsSync(out) ? readdirSync(out) : [], args.join(' ')).to.deep.equal(before);
      }
      const ended = await bmojo(args);
      expect(ended.code, ended.err).to.equal(0);
      expect(readdirSync(out)).to.not.be.empty;
    }
  });
});
