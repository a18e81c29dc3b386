// The command as users meet it: a process of its own.

import {existsSync, mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {VERSION} from '../../config/version.js';
import {CheckpointFolder} from '../../experiments/checkpoint-folder.js';
import {readableBackends, useReadableBackend} from '../support/backends.js';
import {bmojo, interrupted} from '../support/command.js';
import {metricsOf} from '../support/metrics.js';

const SMALL = [
  ...[
    '--length',
    '16',
    '--pairs',
    '2',
    '--vocab-size',
    '16',
    '--window',
    '4',
    '--d-model',
    '8',
    '--heads',
    '1',
  ],
  ...['--eidetic-slots', '4', '--state-size', '4', '--batch', '4', '--eval-samples', '4', '--log-every', '1'],
];

/** What the lines of `--json` are. */
const typesOf = (out: string): string[] =>
  out
    .trim()
    .split('\n')
    .map(line => JSON.parse(line).type);

describe('bmojo on the command line', () => {
  let folder: string;
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-cli-'));
  });
  afterEach(() => rmSync(folder, {recursive: true}));

  const run = (name: string): string => join(folder, name);
  const metrics = (name: string): string => metricsOf(run(name));

  /** The bytes of every file of a run's last checkpoint. */
  const checkpoint = (name: string, step: string): string[] =>
    ['weights.safetensors', 'optimizer.safetensors', 'state.json'].map(file =>
      readFileSync(join(run(name), 'checkpoint', `step-${step}`, file)).toString('base64'),
    );

  it('teaches by --help', async () => {
    const {code, out} = await bmojo(['train', 'mqar', '--help']);
    expect(code).to.equal(0);
    for (const words of [
      '--eidetic-slots',
      '--ssm-rate-factor',
      '--resume',
      '--model',
      'Examples:',
      '[default',
    ])
      expect(out).to.include(words);
    expect((await bmojo(['--help'])).out)
      .to.include('doctor')
      .and.include('compare');
  });

  const mistakes = (): [string[], number, string][] => {
    writeFileSync(run('file'), 'no folder');
    return [
      [['trian'], 2, "there is no command 'trian'; did you mean train?"],
      [['train', 'mqra'], 2, "there is no command 'train mqra'; did you mean mqar?"],
      [['train', 'mqar', '--widnow', '3'], 2, 'unknown option --widnow; did you mean --window?'],
      [['train', 'mqar', '--rate', '1', '--rate', '2'], 2, '--rate takes one value, got 2: 1, 2'],
      [['train', 'mqar', '--steps', 'many'], 2, '--steps must be an integer in [1, 1000000000], got many'],
      [['train', 'mqar', '--window'], 2, '--window needs a value, got none'],
      [['train', 'mqar', '--window', '--steps', '2'], 2, '--window needs a value, got none'],
      [['train', 'mqar', '--out'], 2, '--out needs a value, got none'],
      [['train', 'mqar', '--window', 'eight'], 2, '--window must be an integer in [0, 16777216], got eight'],
      [['train', 'mqar', '--rate', '-1e-3'], 2, '--rate must be a number in [0, 10], got -1e-3'],
      [['train', 'mqar', '--rate=-.5'], 2, '--rate must be a number in [0, 10], got -.5'],
      [['train', 'mqar', '--no-ssm', '--out', run('bad')], 2, "--fading must be 'none' without --ssm"],
      [
        ['generate', '--checkpoint', folder, '--tokens', 'ten'],
        2,
        '--tokens must be an integer in [0, 2147483647], got ten',
      ],
      [['verify', run('none')], 1, 'none does not exist; give a folder of .safetensors files'],
      [['verify', run('file')], 1, 'file is a file; give a folder of .safetensors files'],
      [['train', 'mqar', '--pairs', '1000'], 2, '--length must be at least 4 x --pairs'],
      [['train', 'mqar', '--model', 'bmoj'], 2, '--model must be one of transformer, swa, mamba,'],
      [
        ['train', 'mqar', '--ssm-output', 'bmoj'],
        2,
        '--ssm-output must be one of none, add, gated, projected, got bmoj',
      ],
      [
        ['train', 'mqar', '--no-ssm', '--no-attention', '--out', run('bad')],
        2,
        '--attention and --ssm must not both be off',
      ],
      [
        ['train', 'mqar', '--model', 'swa', '--eidetic-slots', '4', '--out', run('bad')],
        2,
        '--eidetic-slots must be 0',
      ],
      [['train', 'mqar', '--config', run('none.json')], 2, 'does not exist'],
      [['train', 'mqar', '--config', folder], 2, 'must be a file, is a folder'],
      [['train', 'mqar', '--resume', '--out', run('none')], 1, 'is no run folder'],
      [['eval', 'mqar', '--checkpoint', folder], 1, 'is no run folder'],
      [['bench', 'step', 'mqar', '--backend', 'wasm'], 2, '--backend must be webgpu, got wasm'],
      [['bench', 'ops', '--op', 'linear', '--case', 'nope'], 2, "got 'nope'; there are B8 L512"],
      [['compare', 'mqar', '--models', 'bmojo,mamab'], 2, "did you mean 'mamba'?"],
      [[], 2, 'a command is needed'],
      [['eval', 'nothing'], 2, "there is no command 'eval nothing'; see bmojo eval --help"],
      [['nothing'], 2, "there is no command 'nothing'; see bmojo --help"],
      [['generate', '--checkpoint', run('none'), '--prompt'], 2, '--prompt needs a value, got none'],
      [['train', 'mqar', '--rate=', '--out', run('bad')], 2, '--rate needs a value, got none'],
      [['train', 'mqar', '--mlp=maybe', '--out', run('bad')], 2, '--mlp must be true or false, got maybe'],
      [['compare', 'mqar', '--models', 'swa', '--mlp', 'true,false'], 2, "'true,false' belongs to no option"],
      [['runs', folder, '--sort', '-accuracy'], 2, 'unknown option -accuracy'],
      [['runs', folder, '--where'], 2, '--where needs a value, got none'],
      [['data', 'prepare', 'x'], 2, 'data prepare x needs --out; see bmojo data prepare x --help'],
      [
        ['eval', 'memory', '--checkpoint', run('file')],
        1,
        'file must be the folder of a run or a model, is a file',
      ],
      [['data', 'prepare'], 2, 'data prepare lacks an argument; see bmojo data prepare --help'],
      [
        ['train', 'mqar', '--backend', 'wasm', '--out', join(run('file'), 'x')],
        2,
        'file must be a folder, is a file',
      ],
    ];
  };

  // Every mistake starts a process of its own: a share of them at a time, so that no test is long.
  const SHARES = 6;
  for (let share = 0; share < SHARES; share++)
    it(`answers mistakes with one line and a suggestion, ${share + 1} of ${SHARES}`, async () => {
      for (const [args, code, words] of mistakes().filter((_, i) => i % SHARES === share)) {
        const ended = await bmojo(args);
        expect(ended.err, args.join(' ')).to.include(words);
        expect(ended.err.trim().split('\n').length, ended.err).to.be.at.most(3);
        expect(ended.code, args.join(' ')).to.equal(code);
      }
      expect(existsSync(run('bad')), 'no folder for a run that cannot be').to.equal(false);
    });

  it('never writes into a folder that holds something', async () => {
    writeFileSync(join(folder, 'thesis.txt'), 'precious');
    const {code, err} = await bmojo(['train', 'mqar', ...SMALL, '--steps', '1', '--out', folder]);
    expect(code).to.equal(1);
    expect(err).to.include('exists and is not empty').and.include('--resume');
    expect(existsSync(join(folder, 'config.json'))).to.equal(false);
  });

  it('trains, writes a whole run folder, and evaluates it', async () => {
    const trained = await bmojo(['train', 'mqar', ...SMALL, '--steps', '3', '--json', '--out', run('a')]);
    expect(trained.code, trained.err).to.equal(0);
    const types = trained.out
      .trim()
      .split('\n')
      .map(line => JSON.parse(line).type);
    expect(types).to.deep.equal([
      'started',
      'checkpoint',
      'step',
      'step',
      'step',
      'evaluated',
      'checkpoint',
      'finished',
    ]);
    for (const file of ['config.json', 'metrics.jsonl', 'curve.svg', 'result.json', 'model/model.json'])
      expect(existsSync(join(run('a'), file)), file).to.equal(true);
    const evaluated = await bmojo([
      'eval',
      'mqar',
      '--checkpoint',
      run('a'),
      '--pairs',
      '1,2',
      '--samples',
      '8',
      '--json',
    ]);
    expect(evaluated.code, evaluated.err).to.equal(0);
    const {step, variants} = JSON.parse(evaluated.out);
    expect(step).to.equal(3);
    expect(variants.map((variant: {pairs: number}) => variant.pairs)).to.deep.equal([1, 2]);
    expect(variants[1].report.queries).to.equal(16);
    expect(variants[1].stateBytes).to.be.above(0);
  });

  for (const backend of readableBackends) {
    it(`saves on Ctrl-C, exits with 130, and resumes bit for bit on ${backend}`, async function () {
      await useReadableBackend(this, backend);
      const common = ['train', 'mqar', ...SMALL, '--steps', '40', '--backend', backend, '--json'];
      const whole = await bmojo([...common, '--out', run('whole')]);
      expect(whole.code, whole.err).to.equal(0);
      const stopped = await interrupted([...common, '--out', run('parts')], /"step":4,/);
      expect(stopped.code, stopped.err).to.equal(130);
      const at = new CheckpointFolder(join(run('parts'), 'checkpoint')).lastStep;
      expect(at).to.be.within(4, 39);
      const resumed = await bmojo(['train', 'mqar', '--resume', '--json', '--out', run('parts')]);
      expect(resumed.code, resumed.err).to.equal(0);
      expect(JSON.parse(resumed.out.split('\n')[0])).to.include({type: 'started', step: at});
      expect(checkpoint('parts', '00000040')).to.deep.equal(checkpoint('whole', '00000040'));
      expect(metrics('parts')).to.equal(metrics('whole'));
    });
  }

  it('aborts at once on the second Ctrl-C, and a killed run still resumes', async () => {
    const args = [
      'train',
      'mqar',
      ...SMALL,
      '--steps',
      '4000',
      '--checkpoint-every',
      '2',
      '--json',
      '--out',
      run('k'),
    ];
    let sent = false;
    const ended = await bmojo(args, (out, kill) => {
      if (sent || !out.includes('"step":6,')) return;
      sent = true;
      kill('SIGKILL');
    });
    expect(ended.code).to.equal(null);
    const resumed = await bmojo(['train', 'mqar', '--resume', '--json', '--out', run('k')], (out, kill) => {
      if (out.includes('"type":"step"')) kill('SIGINT'); // every further chunk of output sends one more
    });
    expect(resumed.code).to.equal(130);
    expect(JSON.parse(resumed.out.split('\n')[0]).step).to.be.at.least(4);
  });

  it('refuses to resume with other settings', async () => {
    const made = await bmojo(['train', 'mqar', ...SMALL, '--steps', '1', '--out', run('a')]);
    expect(made.code, made.err).to.equal(0);
    const changed = await bmojo(['train', 'mqar', '--resume', '--out', run('a'), '--window', '8']);
    expect(changed.code).to.equal(2);
    expect(changed.err).to.include("--resume keeps the run's settings: --window is 4 there, got 8");
    const seed = await bmojo(['train', 'mqar', '--resume', '--out', run('a'), '--rate', '1', '--seed', '7']);
    expect(seed.err).to.include(
      '--seed is 1 there, got 7; what may change is --data, --backend, --steps, --rate',
    );
    const sized = await bmojo(['train', 'mqar', '--resume', '--out', run('a'), '--parameters', '9000']);
    expect([sized.code, sized.err]).to.deep.equal([
      2,
      "bmojo: --resume keeps the run's model: leave --parameters away, which makes another\n",
    ]);
    expect(existsSync(join(run('a'), 'changes.jsonl')), 'nothing changed').to.equal(false);
    writeFileSync(join(run('a'), 'metrics.jsonl'), '{damaged}\n');
    const damaged = await bmojo(['train', 'mqar', '--resume', '--out', run('a')]);
    expect([damaged.code, damaged.err]).to.deep.equal([
      1,
      `bmojo: ${join(run('a'), 'metrics.jsonl')} is damaged: it is not what it was when the last checkpoint was saved; remove it to do without\n`,
    ]);
    rmSync(join(run('a'), 'metrics.jsonl'));
    writeFileSync(join(run('a'), 'result.json'), '{');
    const report = await bmojo(['eval', 'report', run('a'), '--out', run('report.html')]);
    expect([report.code, report.err.split('\n').length]).to.deep.equal([1, 2]);
    expect(report.err).to.match(/a\/result\.json must be JSON; .*; --resume writes it again$/m);
    const config = readFileSync(join(run('a'), 'config.json'), 'utf8');
    writeFileSync(join(run('a'), 'config.json'), config.replace('"layers": 2', '"layers": 3'));
    const other = await bmojo(['eval', 'mqar', '--checkpoint', run('a')]);
    expect([other.code, other.err.split('\n').length]).to.deep.equal([1, 2]);
    expect(other.err).to.include('config.json is damaged or was changed: its SHA-256 is not the one in it');
  });

  it('goes further with more steps, on another backend, and says what changed', async () => {
    await bmojo(['train', 'mqar', ...SMALL, '--steps', '2', '--backend', 'wasm', '--out', run('a')]);
    const resume = ['train', 'mqar', '--resume', '--out', run('a')];
    const less = await bmojo([...resume, '--steps', '1']);
    expect(less.code).to.equal(2);
    expect(less.err).to.include('--steps must be at least the 2 made so far, got 1');
    const more = await bmojo([...resume, '--steps', '4', '--backend', 'cpu', '--rate', '0']);
    expect(more.code, more.err).to.equal(0);
    expect(more.err)
      .to.include('--steps 2 is now 4')
      .and.include('--backend wasm is now cpu')
      .and.include('the rate follows the schedule of 4 steps');
    const steps = metrics('a').match(/"step":\d+,"loss"/g);
    expect(steps).to.deep.equal([1, 2, 3, 4].map(step => `"step":${step},"loss"`));
    expect(metrics('a')).to.match(/"step":4,"loss":[^}]*"rate":0,/);
    const noted = JSON.parse(readFileSync(join(run('a'), 'changes.jsonl'), 'utf8'));
    expect(noted.step).to.equal(2);
    expect(noted.changes).to.include('--steps 2 is now 4');
    const config = JSON.parse(readFileSync(join(run('a'), 'config.json'), 'utf8'));
    expect([config.backend, config.train.steps]).to.deep.equal(['cpu', 4]);
    expect(JSON.parse(readFileSync(join(run('a'), 'result.json'), 'utf8')).step).to.equal(4);
  });

  it('compares models at several rates and goes on where it stopped', async () => {
    const args = [
      'compare',
      'mqar',
      ...SMALL,
      '--models',
      'bmojo,swa',
      '--rates',
      '1e-3,1e-2',
      '--steps',
      '2',
      '--jobs',
      '2',
    ];
    const first = await bmojo([...args, '--out', run('c')]);
    expect(first.code, first.err).to.equal(0);
    expect(first.out).to.include('state bytes');
    const {results, diverged} = JSON.parse(readFileSync(join(run('c'), 'compare.json'), 'utf8'));
    expect(results.map((one: {model: string; rate: number}) => `${one.model} ${one.rate}`)).to.deep.equal([
      'bmojo 0.001',
      'bmojo 0.01',
      'swa 0.001',
      'swa 0.01',
    ]);
    expect(diverged).to.deep.equal([]);
    expect(readFileSync(join(run('c'), 'compare.svg'), 'utf8')).to.include('<circle');
    const again = await bmojo([...args, '--json', '--out', run('c')]);
    expect(again.code, again.err).to.equal(0);
    expect(typesOf(again.out), 'nothing is trained twice').to.deep.equal(['compared']);
    const other = await bmojo([...args, '--clip', '2', '--out', run('c')]);
    expect(other.code).to.equal(1);
    expect(other.err).to.include('other settings (train clip is 1 there, 2 here); choose another folder');
  });

  it('ends early when the held-out score gets no better, and notes it as finished', async () => {
    const args = [...SMALL, '--rate', '0', '--steps', '9', '--eval-every', '1', '--patience', '2'];
    const made = await bmojo(['train', 'mqar', ...args, '--out', run('p')]);
    expect(made.code, made.err).to.equal(0);
    expect(made.err)
      .to.include('at --rate 0 nothing is learned')
      .and.include('ended after 3 of 9 steps: no better held out for 2 evaluations (--patience 2)');
    const result = readFileSync(join(run('p'), 'result.json'), 'utf8');
    expect(JSON.parse(result).step).to.equal(3);
    // Again, also where the process was killed before its last words: it has ended, and trains no further.
    rmSync(join(run('p'), 'result.json'));
    const again = await bmojo(['train', 'mqar', '--resume', '--out', run('p')]);
    expect(again.code, again.err).to.equal(0);
    expect(again.out).to.include('it ended after step 3').and.include('finished after step 3');
    const {tokensPerSecond, sha256, ...same} = JSON.parse(result);
    expect(JSON.parse(readFileSync(join(run('p'), 'result.json'), 'utf8'))).to.deep.include(same);
    const further = await bmojo(['train', 'mqar', '--resume', '--out', run('p'), '--patience', '4']);
    expect(further.err).to.include('ended after 5 of 9 steps');
  });

  it('compares any setting as a list: one table, a line a run as CSV, curves over each other', async () => {
    const args = ['compare', 'mqar', ...SMALL, '--models', 'bmojo,swa', '--rates', '1e-3', '--steps', '2'];
    const lists = ['--eidetic-slots', '2,4', '--clip', '1,2', '--seeds', '1,2', '--eval-every', '1'];
    const made = await bmojo([
      ...args.filter((word, i) => word !== '--eidetic-slots' && args[i - 1] !== '--eidetic-slots'),
      ...lists,
      '--jobs',
      '2',
      '--out',
      run('l'),
    ]);
    expect(made.code, made.err).to.equal(0);
    const {overSeeds} = JSON.parse(readFileSync(join(run('l'), 'compare.json'), 'utf8'));
    // A window model has no slots: they make one run of it.
    expect(
      overSeeds.map((one: {model: string; settings: object}) => [one.model, ...Object.values(one.settings)]),
    ).to.deep.equal([
      ['bmojo', 2, 1],
      ['bmojo', 2, 2],
      ['bmojo', 4, 1],
      ['bmojo', 4, 2],
      ['swa', 2, 1],
      ['swa', 2, 2],
    ]);
    const [head, ...lines] = readFileSync(join(run('l'), 'compare.csv'), 'utf8')
      .trim()
      .split('\r\n');
    expect(head.split(',')).to.include.members(['model', 'eidetic-slots', 'clip', 'seed', 'accuracy']);
    expect(lines).to.have.lengthOf(12);
    const svg = readFileSync(join(run('l'), 'compare.svg'), 'utf8');
    expect(svg.match(/<polyline/g)).to.have.lengthOf(6);
    expect(svg).to.include('bmojo, eidetic-slots 4, clip 2').and.include('mean over seeds');
    expect(made.out).to.include('accuracy, mean').and.include('eidetic-slots');
  });

  it('compares models over seeds, with mean and spread', async () => {
    const args = ['compare', 'mqar', ...SMALL, '--models', 'bmojo', '--rates', '1e-3', '--steps', '1'];
    const made = await bmojo([...args, '--seeds', '1,2', '--jobs', '2', '--out', run('s')]);
    expect(made.code, made.err).to.equal(0);
    const {overSeeds, results} = JSON.parse(readFileSync(join(run('s'), 'compare.json'), 'utf8'));
    expect(overSeeds[0]).to.deep.include({model: 'bmojo', rate: 1e-3, seeds: [1, 2]});
    const values = results.map((one: {report: {accuracy: number}}) => one.report.accuracy);
    expect(overSeeds[0].mean).to.be.closeTo((values[0] + values[1]) / 2, 1e-12);
    const seeds = [1, 2].map(seed => {
      const {model, train} = JSON.parse(
        readFileSync(join(run('s'), `bmojo-0.001-seed${seed}`, 'config.json'), 'utf8'),
      );
      return [model.seed, train.seed];
    });
    expect(seeds).to.deep.equal([
      [1, 1],
      [2, 2],
    ]);
    expect(made.out).to.include('accuracy, mean').and.include('deviation');
    for (const [more, words] of [
      [['--seeds', '1,1'], '--seeds: the values must differ, got 1,1'],
      [['--layers', '2,2'], '--layers: the values must differ, got 2,2'],
      [['--layers', '2,-1'], '--layers must be an integer in [1, 1024], got -1'],
      [['--seeds', '1,-2'], '--seeds must be an integer in [0, 2147483647], got -2'],
      [['--seeds', '1', '--seed', '2'], 'exclude each other'],
    ] as const) {
      const ended = await bmojo([...args, ...more, '--out', run('none')]);
      expect([ended.code, ended.err.includes(words)], ended.err).to.deep.equal([2, true]);
    }
    expect(existsSync(run('none'))).to.equal(false);
  });

  it('evaluates a mixture at its own parts and those that its vocabulary allows, and names the others', async () => {
    const mixture = ['--parts', '8x1:1,16x2:1', '--test-parts', '8x1', '--vocab-size', '24'];
    const sizes = [
      '--d-model',
      '16',
      '--layers',
      '1',
      '--batch',
      '2',
      '--block',
      '2',
      '--eval-samples',
      '64',
    ];
    const made = await bmojo([
      'train',
      'mqar-mixture',
      ...mixture,
      ...sizes,
      '--steps',
      '1',
      '--out',
      run('m'),
    ]);
    expect(made.code, made.err).to.equal(0);
    const swept = await bmojo(['eval', 'mqar-mixture', '--checkpoint', run('m'), '--samples', '4', '--json']);
    expect(swept.code, swept.err).to.equal(0);
    const {variants} = JSON.parse(swept.out) as {variants: {testParts: string}[]};
    expect(variants.map(({testParts}) => testParts)).to.deep.equal(['8x1', '16x2', '64x4', '64x8']);
    expect(swept.err)
      .to.include('64x16, 128x32, 256x64, 512x128, 1024x256')
      .and.include('--vocab-size must be');
  });

  it('leaves evaluations, a memory view and one HTML report', async () => {
    const began = Date.now();
    const made = await bmojo(['train', 'mqar', ...SMALL, '--steps', '1', '--out', run('a')]);
    expect(made.code, made.err).to.equal(0);
    const swept = await bmojo([
      'eval',
      'mqar',
      '--checkpoint',
      run('a'),
      '--length',
      '16,1040',
      '--samples',
      '4',
    ]);
    expect(swept.code, swept.err).to.equal(0);
    expect(swept.out).to.include('mean accuracy of 2').and.include('evaluations');
    const first = JSON.parse(readFileSync(join(run('a'), 'evaluations', 'mqar.json'), 'utf8'));
    expect(first.made.seeds, 'other samples than those that chose the best weights').to.deep.equal({
      samples: 2,
    });
    const again = await bmojo(['eval', 'mqar', '--checkpoint', run('a'), '--samples', '4', '--seed', '5']);
    expect(again.code, again.err).to.equal(0);
    const second = JSON.parse(readFileSync(join(run('a'), 'evaluations', 'mqar-2.json'), 'utf8'));
    expect(second.made.seeds).to.deep.equal({samples: 5});
    expect(second.command).to.include('--seed 5');
    const [session] = readFileSync(join(run('a'), 'sessions.jsonl'), 'utf8')
      .trim()
      .split('\n');
    for (const {version, date, machine} of [second.made, JSON.parse(session)]) {
      expect(version).to.equal(VERSION);
      expect(Date.parse(date)).to.be.within(began, Date.now());
      expect(machine).to.include(`Node ${process.versions.node}`);
    }
    expect(JSON.parse(session)).to.deep.include({step: 0, seeds: {samples: 1, weights: 1}});
    expect(JSON.parse(session).command).to.match(/^bmojo train mqar .*--steps 1/);
    const [line] = readFileSync(join(run('a'), 'metrics.jsonl'), 'utf8').split('\n');
    expect(1000 * JSON.parse(line).time).to.be.within(began - 1, Date.now() + 1);
    const seen = await bmojo(['eval', 'memory', '--checkpoint', run('a'), '--sample', '2']);
    expect(seen.code, seen.err).to.equal(0);
    expect(seen.out).to.include('eidetic');
    const report = join(folder, 'report.html');
    const written = await bmojo(['eval', 'report', run('a'), '--out', report]);
    expect(written.code, written.err).to.equal(0);
    const html = readFileSync(report, 'utf8');
    for (const words of ['Zoology', 'eval mqar --checkpoint', 'shares of attention', 'Learning curves'])
      expect(html).to.include(words);
    for (const [args, code, words] of [
      [['mqar', '--checkpoint', run('a'), '--vocab-size', '32'], 2, 'the model has 16 token ids'],
      [['mqar', '--checkpoint', run('a'), '--length', 'long'], 2, '--length must be numbers'],
      [['perplexity', '--checkpoint', run('a')], 1, 'text needs a run of bmojo train lm'],
      [['lambada', run('none'), '--checkpoint', run('a')], 1, 'does not exist'],
      [['memory', '--checkpoint', run('a'), '--prompt', 'x'], 2, 'are for language models'],
    ] as const) {
      const ended = await bmojo(['eval', ...args]);
      expect(ended.err, args.join(' ')).to.include(words);
      expect(ended.code, args.join(' ')).to.equal(code);
    }
  });

  it("runs a part of MAD's grid and goes on where it stopped", async () => {
    const args = [
      'compare',
      'mad',
      '--models',
      'bmojo,mamba',
      '--tasks',
      'mad-memorization',
      '--settings',
      'baseline',
    ];
    const small = [
      '--passes',
      '1',
      '--rates',
      '1e-3',
      '--d-model',
      '8',
      '--heads',
      '2',
      '--mlp-width',
      '8',
      '--jobs',
      '2',
    ];
    const first = await bmojo([...args, ...small, '--out', run('m')]);
    expect(first.code, first.err).to.equal(0);
    expect(first.out).to.include('4 runs in').and.include('4 of 4 runs finished').and.include('memorization');
    const {scores} = JSON.parse(readFileSync(join(run('m'), 'mad.json'), 'utf8'));
    expect(scores.map(({model}: {model: string}) => model)).to.deep.equal(['bmojo', 'mamba']);
    expect(existsSync(join(run('m'), 'mad.svg'))).to.equal(true);
    const again = await bmojo([...args, ...small, '--json', '--out', run('m')]);
    expect(again.code, again.err).to.equal(0);
    expect(typesOf(again.out), 'nothing is trained twice').to.deep.equal(['compared']);
    const wrong = await bmojo(['compare', 'mad', '--models', 'bmojo', '--tasks', 'mad-memory']);
    expect(wrong.err).to.include("unknown 'mad-memory'");
  });

  it('says which backends work', async () => {
    const {code, out} = await bmojo(['doctor', '--json']);
    expect(code).to.equal(0);
    const {backends, auto} = JSON.parse(out);
    expect(auto.reason).to.be.a('string');
    const usable = backends
      .filter((one: {usable: boolean}) => one.usable)
      .map((one: {backend: string}) => one.backend);
    // WebGPU also works on a software adapter, which is not chosen.
    expect(auto.backend).to.be.oneOf(['webgpu', usable.includes('tensorflow') ? 'tensorflow' : 'wasm']);
    expect(usable).to.include.members(['cpu', 'wasm']);
  });
});
