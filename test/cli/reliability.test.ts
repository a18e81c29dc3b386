// What users must not lose: runs when output or terminals go away, results that cannot be written, anything by a refusal.

import {spawn} from 'node:child_process';
import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {bmojo, cli} from '../support/command.js';
import {smallRun} from '../support/small-run.js';

describe('nothing lost', function () {
  this.timeout(300_000);
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-reliability-'));
  });
  afterEach(() => rmSync(folder, {recursive: true}));
  const at = (...names: string[]): string => join(folder, ...names);
  const train = (run: string, ...more: string[]) =>
    bmojo(['train', 'mqar', ...smallRun, '--out', at(run), ...more]);
  const lastStep = (run: string): number =>
    JSON.parse(readFileSync(at(run, 'checkpoint', 'latest.json'), 'utf8')).step;
  const stepsIn = (run: string): number[] =>
    readFileSync(at(run, 'metrics.jsonl'), 'utf8')
      .split('\n')
      .filter(line => line.includes('"loss":') && !line.includes('evaluated'))
      .map(line => JSON.parse(line).step);

  /** Every file with its content and time. */
  const picture = (path: string): object =>
    Object.fromEntries(
      readdirSync(path, {recursive: true, withFileTypes: true})
        .filter(entry => entry.isFile())
        .map(entry => join(entry.parentPath, entry.name))
        .map(file => [file, [statSync(file).mtimeMs, readFileSync(file).toString('base64')]]),
    );

  /** Trains until told otherwise; `after` may end what listens after the first step. */
  const endless = (run: string, act: (child: ReturnType<typeof spawn>) => void): Promise<number | null> =>
    new Promise(resolve => {
      const child = spawn(process.execPath, [
        ...[cli, 'train', 'mqar', ...smallRun, '--out', at(run), '--json'],
        ...['--steps', '1000000', '--checkpoint-every', '1000000', '--eval-every', '1000000'],
      ]);
      let isTold = false;
      child.stdout.on('data', chunk => {
        if (isTold || !String(chunk).includes('"step":3,')) return;
        isTold = true;
        act(child);
      });
      child.on('exit', resolve);
    });

  it('a terminal that is closed, and a reader that goes away, end a training with a checkpoint', async () => {
    expect(await endless('hup', child => child.kill('SIGHUP'))).to.equal(130);
    expect(lastStep('hup')).to.be.at.least(3);
    expect(await endless('pipe', child => child.stdout?.destroy())).to.equal(141);
    expect(lastStep('pipe')).to.be.at.least(3);
  });

  it('a full disk behind stdout ends no training', async function () {
    if (!existsSync('/dev/full')) this.skip();
    const code = await new Promise(resolve =>
      spawn('sh', [
        '-c',
        `"$0" "$@" > /dev/full`,
        ...[process.execPath, cli, 'train', 'mqar', ...smallRun, '--steps', '4', '--out', at('full')],
      ]).on('exit', resolve),
    );
    expect(code).to.equal(1);
    expect(lastStep('full')).to.equal(4);
    expect(existsSync(at('full', 'result.json'))).to.equal(true);
  });

  it('results that cannot be written are printed whole', async () => {
    expect((await train('a', '--steps', '2')).code).to.equal(0);
    writeFileSync(at('a', 'evaluations'), 'no folder');
    const {code, out, err} = await bmojo(['eval', 'mqar', '--checkpoint', at('a'), '--samples', '4']);
    expect(code).to.equal(1);
    expect(err).to.include('cannot be written, so it is printed');
    expect(JSON.parse(out.slice(out.indexOf('{'), out.lastIndexOf('}') + 1)))
      .to.have.property('data')
      .that.is.an('object');
  });

  it('a refused resume changes nothing at all', async () => {
    expect((await train('a', '--steps', '3', '--eval-every', '1')).code).to.equal(0);
    const [step] = readdirSync(at('a', 'checkpoint')).filter(name => name.startsWith('step'));
    const damage = (name: string, change: (bytes: Buffer) => Buffer): (() => void) => {
      const path = at('a', name);
      const whole = readFileSync(path);
      writeFileSync(path, change(Buffer.from(whole)));
      return () => writeFileSync(path, whole);
    };
    const flipped = (bytes: Buffer): Buffer => {
      bytes[bytes.length - 3] ^= 1;
      return bytes;
    };
    const cases: [string, (bytes: Buffer) => Buffer, string][] = [
      [join('checkpoint', step, 'weights.safetensors'), flipped, 'is damaged'],
      [join('checkpoint', step, 'optimizer.safetensors'), flipped, 'is damaged'],
      [join('checkpoint', step, 'state.json'), flipped, 'is damaged'],
      ['metrics.jsonl', flipped, 'is not what it was when the last checkpoint was saved'],
      ['config.json', bytes => Buffer.from(String(bytes).replace('"seed": 1', '"seed": 2')), 'was changed'],
      [
        join('checkpoint', 'latest.json'),
        bytes => Buffer.from(String(bytes).replace('"step": 3', '"step": 2')),
        'was changed',
      ],
    ];
    for (const [name, change, words] of cases) {
      const mend = damage(name, change);
      const before = picture(at('a'));
      const refused = await bmojo(['train', 'mqar', '--resume', '--out', at('a'), '--steps', '9']);
      expect(refused.code, name).to.equal(1);
      expect(refused.err, name).to.include(words);
      expect(refused.err.trim().split('\n'), name).to.have.lengthOf(1);
      expect(picture(at('a')), name).to.deep.equal(before);
      mend();
    }
    expect((await bmojo(['train', 'mqar', '--resume', '--out', at('a'), '--steps', '4'])).code).to.equal(0);
    expect(stepsIn('a')).to.deep.equal([1, 2, 3, 4]);
  });

  it('a folder that is written by one process refuses the next, and forgets one that was killed', async () => {
    let second: Awaited<ReturnType<typeof bmojo>> | undefined;
    const code = await endless('a', child => {
      void bmojo(['train', 'mqar', '--resume', '--out', at('a')]).then(ended => {
        second = ended;
        child.kill('SIGKILL');
      });
    });
    expect(code).to.equal(null);
    expect(second?.code).to.equal(2);
    expect(second?.err).to.match(/is written by process \d+; wait for it or stop it/);
    const third = await bmojo(['train', 'mqar', '--resume', '--out', at('a'), '--steps', '2']);
    expect(third.code, third.err).to.equal(0);
  });

  it('options that every object has, and control characters in names, come back in one plain line', async () => {
    for (const [args, words] of [
      [['train', 'mqar', '--toString'], 'unknown option --toString'],
      [['model', 'info', '--constructor', '3'], 'unknown option --constructor'],
      [['--to-string'], 'unknown option --to-string'],
      [['generate', '--checkpoint', at('a\u001b[31m\nb')], '\\u001b[31m\\nb is no run folder'],
    ] as const) {
      const {code, err} = await bmojo(args);
      expect(code, err).to.be.oneOf([1, 2]);
      expect(err).to.include(words);
      expect(err).to.match(/^bmojo: [^\p{Cc}]*\n$/u);
    }
  });

  it('nothing behind a linked best/ is removed', async () => {
    expect((await train('a', '--steps', '2', '--eval-every', '100')).code).to.equal(0);
    const victim = at('victim');
    expect((await train('victim', '--steps', '1')).code).to.equal(0);
    const before = picture(victim);
    rmSync(at('a', 'best'), {recursive: true});
    symlinkSync(victim, at('a', 'best'));
    const refused = await bmojo([
      'train',
      'mqar',
      '--resume',
      '--out',
      at('a'),
      '--steps',
      '6',
      '--eval-every',
      '1',
    ]);
    expect(refused.code).to.equal(1);
    expect(refused.err).to.include('best is a link; bmojo writes only into files and folders of its own');
    expect(picture(victim)).to.deep.equal(before);
  });
});
