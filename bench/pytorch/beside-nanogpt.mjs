// Tokens a second of `bmojo train lm` beside a GPT of the same budget in PyTorch, in turns on the same cores:
//   node bench/pytorch/beside-nanogpt.mjs [--python python3] [--steps 100] [--rounds 3] [--backends wasm] [--models bmojo,transformer]
import {spawnSync} from 'node:child_process';
import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {availableParallelism, tmpdir} from 'node:os';
import {join} from 'node:path';
import {parseArgs} from 'node:util';

const root = join(import.meta.dirname, '../..');
const {values: given} = parseArgs({
  options: {
    python: {type: 'string', default: 'python3'},
    steps: {type: 'string', default: '100'},
    rounds: {type: 'string', default: '3'},
    backends: {type: 'string', default: 'wasm'},
    models: {type: 'string', default: 'bmojo,transformer'},
  },
});
const folder = mkdtempSync(join(tmpdir(), 'bmojo-beside-'));

function run(program, args) {
  const {status, stdout, stderr} = spawnSync(program, args, {encoding: 'utf8', maxBuffer: 1 << 26});
  if (status === 0) return stdout;
  const missing = /No module named '([^']+)'/.exec(stderr);
  console.error(
    missing === null
      ? `${program} ${args[0]} failed:\n${stderr}`
      : `${program} has no ${missing[1]}: pip install -r bench/pytorch/requirements.txt, or --python another one`,
  );
  process.exit(1);
}

const bmojo = (...args) => run(process.execPath, [join(root, 'dist/cli.js'), ...args]);
const corpus = join(root, 'data/corpora/tiny-shakespeare/input.txt');
const script = join(import.meta.dirname, 'nanogpt_budget.py');
const data = join(folder, 'data');
const never = '1000000';

function ours(model, backend) {
  const out = join(folder, 'run');
  rmSync(out, {recursive: true, force: true});
  const memories = {
    bmojo: ['--window', '16', '--eidetic-slots', '16'],
    'bmojo-f': ['--window', '16'],
    hybrid: ['--window', '16'],
  };
  const settings = [
    '--steps',
    given.steps,
    '--eval-every',
    never,
    '--eval-samples',
    '1',
    '--checkpoint-every',
    never,
  ];
  bmojo(
    'train',
    'lm',
    '--data',
    data,
    '--model',
    model,
    ...(memories[model] ?? []),
    '--parameters',
    '820000',
    '--backend',
    backend,
    '--out',
    out,
    ...settings,
  );
  return JSON.parse(readFileSync(join(out, 'result.json'), 'utf8')).tokensPerSecond;
}

const theirs = threads =>
  JSON.parse(run(given.python, [script, corpus, '--steps', given.steps, '--threads', String(threads)]))
    .tokens_per_second;

bmojo('data', 'prepare', 'tiny-shakespeare', '--out', data);
const contenders = [
  ...given.backends
    .split(',')
    .flatMap(backend =>
      given.models.split(',').map(model => [`bmojo ${model}, ${backend}`, () => ours(model, backend)]),
    ),
  ...[...new Set([1, availableParallelism()])].map(threads => [
    `PyTorch GPT, ${threads} threads`,
    () => theirs(threads),
  ]),
];
const speeds = new Map(contenders.map(([name]) => [name, []]));
for (let round = 0; round < Number(given.rounds); round++)
  for (const [name, measure] of contenders) speeds.get(name).push(measure());
rmSync(folder, {recursive: true});
for (const [name, found] of speeds) {
  const middle = found.sort((a, b) => a - b)[found.length >> 1];
  console.log(`${name.padEnd(32)} ${Math.round(middle).toString().padStart(8)} tokens/s`);
}
