// Trains the small models that ship with the demo and exports them to demo/public/models: node scripts/demo-models.mjs [NAME...]
// About ten minutes on two cores with the tensorflow backend; what is there already is kept unless it is named.
import {execFileSync} from 'node:child_process';
import {existsSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath} from 'node:url';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const out = join(root, 'demo/public/models');
const backend = process.env.BMOJO_BACKEND ?? 'auto';
const bmojo = (...words) =>
  execFileSync(process.execPath, [join(root, 'dist/cli.js'), ...words], {cwd: root, stdio: 'inherit'});

const recall =
  'mqar-mixture --vocab-size 64 --parts 16x2:1,32x4:1,64x8:2 --test-parts 64x8 --block 64 --filler zero --layers 2 ' +
  '--heads 2 --state-size 16 --batch 64 --eval-every 100 --eval-samples 256 --stop-accuracy 0.985';
const text =
  'lm --data runs/demo/shakespeare --layers 4 --d-model 96 --heads 4 --window 32 --context 128 --rotary-base 100 --batch 12 ' +
  '--dropout 0.1 --rate 2e-3 --steps 2000 --eval-every 500';

/** Name, what `bmojo train` is told, and one line for the page. Each mixer at a rate that it learns at. */
const models = [
  [
    'recall-bmojo',
    `${recall} --rate 1.5e-2 --steps 2400 --model bmojo --window 8 --d-model 32 --eidetic-slots 24`,
    "recall of pairs: B'MOJO",
  ],
  [
    'recall-window',
    `${recall} --rate 1.5e-2 --steps 800 --model swa --window 8 --d-model 60`,
    'recall of pairs: window only',
  ],
  [
    'recall-transformer',
    `${recall} --rate 2e-3 --steps 2400 --model transformer --d-model 64`,
    'recall of pairs: Transformer',
  ],
  [
    'recall-mamba',
    `${recall} --rate 1.5e-2 --steps 2400 --model mamba --d-model 40`,
    'recall of pairs: Mamba',
  ],
  [
    'recall-storage',
    `${recall} --rate 1.5e-2 --steps 1600 --model bmojo-f --window 8 --d-model 32 --storage 4`,
    "recall of pairs: B'MOJO with storage",
  ],
  ['shakespeare', `${text} --model bmojo --eidetic-slots 32`, "characters of Shakespeare: B'MOJO"],
  [
    'shakespeare-storage',
    'lm --data runs/demo/shakespeare --model bmojo --layers 3 --d-model 64 --heads 2 --window 32 --eidetic-slots 16 ' +
      '--storage 4 --context 256 --rotary-base 100 --batch 8 --rate 3e-3 --steps 1200 --eval-every 300',
    "characters of Shakespeare: B'MOJO with storage",
  ],
];

const wanted = process.argv.slice(2);
mkdirSync(out, {recursive: true});
if (!existsSync(join(root, 'runs/demo/shakespeare')))
  bmojo('data', 'prepare', 'tiny-shakespeare', '--out', 'runs/demo/shakespeare');
for (const [name, words] of models) {
  const target = join(out, name);
  if (existsSync(target) && !wanted.includes(name)) continue;
  const run = join('runs/demo', name);
  rmSync(join(root, run), {recursive: true, force: true});
  bmojo('train', ...words.split(' '), '--backend', backend, '--out', run);
  rmSync(target, {recursive: true, force: true});
  bmojo('model', 'export', run, '--weights', 'best', '--out', target);
}
const there = new Set(readdirSync(out));
const commandOf = name => JSON.parse(readFileSync(join(out, name, 'card.json'), 'utf8')).command;
writeFileSync(
  join(out, 'index.json'),
  `${JSON.stringify(
    models
      .filter(([name]) => there.has(name))
      .map(([name, , title]) => ({
        name,
        title,
        command: commandOf(name),
        readsText: existsSync(join(out, name, 'tokenizer.json')),
      })),
    null,
    1,
  )}\n`,
);
