// The demo beside the same work in Node on the same machine, both on wasm: node bench/demo.mjs [ROUNDS]. Training steps a second of
// both recipes of Train here, evaluations and checkpoints among them, and tokens a second of Write; page and Node take turns.
import {mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {dirname, join} from 'node:path';
import {fileURLToPath, pathToFileURL} from 'node:url';
import {build} from 'esbuild';
import {generate, LanguageModel, useBackend} from '../dist/index.js';
import {openModel} from '../dist/models/node.js';
import {serveSite, visit} from '../dist/test/demo/site.js';
import {findChromium} from '../dist/test/support/browser.js';
import {parseTrainSettings, train} from '../dist/train/index.js';

const root = join(dirname(fileURLToPath(import.meta.url)), '..');
const rounds = Number(process.argv[2] ?? 3);
const steps = 100;
/** Steps that are not timed. */
const warmUp = 10;
const tokens = 400;
const prompt = 'ROMEO:\n';
const corpus = join(root, 'data/corpora/tiny-shakespeare');
const text = readFileSync(
  join(
    corpus,
    readdirSync(corpus).find(name => name.endsWith('.txt')),
  ),
  'utf8',
).slice(0, 100_000);

/** The demo's own recipes, on the library that is built for Node. */
async function demoRecipes() {
  mkdirSync(join(root, 'build'), {recursive: true});
  const folder = mkdtempSync(join(root, 'build/demo-recipes-'));
  try {
    const outfile = join(folder, 'recipes.mjs');
    await build({
      stdin: {
        contents: `export {prepare} from './worker/recipes.ts'; export {recipes} from './pages/train/recipes.ts';`,
        resolveDir: join(root, 'demo'),
      },
      bundle: true,
      format: 'esm',
      platform: 'node',
      outfile,
      logLevel: 'error',
      plugins: [
        {
          name: 'library',
          setup: ({onResolve}) =>
            onResolve({filter: /^\.\.\/\.\.\//}, ({path}) => ({
              path: pathToFileURL(join(root, 'dist', path.slice('../../'.length))).href,
              external: true,
            })),
        },
      ],
    });
    return await import(pathToFileURL(outfile).href);
  } finally {
    rmSync(folder, {recursive: true});
  }
}

const {prepare, recipes} = await demoRecipes();
const configOf = recipe => ({...recipes[recipe], ...(recipe === 'text' ? {text} : {})});

/** Reads every array of a checkpoint, as one that is written is read. */
const checkpoints = {
  lastStep: undefined,
  save: async ({weights, optimizer}) => {
    for (const {read} of [...weights, ...optimizer]) await read();
    return 'memory';
  },
};

async function trainInNode(recipe) {
  const config = configOf(recipe);
  const settings = parseTrainSettings({...config.train, steps});
  const prepared = prepare(config, settings.seed);
  const model = LanguageModel.create({...config.model, vocabSize: prepared.vocabSize});
  let started = 0;
  const run = {
    model,
    task: prepared.workload,
    settings,
    evaluate: () => prepared.evaluate(model),
    enough: () => false,
  };
  for await (const {type, step} of train({...run, checkpoints}))
    if (type === 'step' && step === warmUp) started = performance.now();
  model.model.dispose();
  return (steps - warmUp) / ((performance.now() - started) / 1000);
}

async function writeInNode() {
  const {model: layers, tokenizer} = await openModel(join(root, 'demo/public/models/shakespeare'));
  const options = {prompt: [...tokenizer.encode(prompt)], maxTokens: tokens, temperature: 0.8, seed: 1};
  const started = performance.now();
  for await (const _ of generate(layers, options));
  const rate = tokens / ((performance.now() - started) / 1000);
  layers.model.dispose();
  return rate;
}

/** A fresh page each time, as who comes to it has. */
const inPage = (site, hash, body) =>
  visit({chromium: findChromium(), site}, hash, ({page}) => body(page), {webgpu: false});

const trainInPage = (site, recipe) =>
  inPage(site, 'train', async page => {
    if (recipe === 'text') {
      await page.getByLabel('characters of a text').check();
      await page.getByLabel(/^Text to learn from/).fill(text);
    }
    await page.getByText('Settings').click();
    await page.getByLabel('steps', {exact: true}).fill(String(steps));
    await page.getByRole('button', {name: 'Train', exact: true}).click();
    const begun = await page.waitForFunction(
      least => {
        const step = Number(
          /at step (\d+)/.exec(document.querySelector('section [role=status]')?.textContent)?.[1],
        );
        return step >= least && step;
      },
      warmUp,
      {timeout: 600_000},
    );
    const started = performance.now();
    const first = await begun.jsonValue();
    await page.getByText(`Finished at step ${steps}`).waitFor({timeout: 600_000});
    return (steps - first) / ((performance.now() - started) / 1000);
  });

const writeInPage = site =>
  inPage(site, 'write', async page => {
    await page.getByText('How it chooses').click();
    await page.getByLabel('max tokens').fill(String(tokens));
    await page.getByRole('button', {name: 'Write', exact: true}).click();
    const status = page.getByText(new RegExp(`^${tokens} tokens, `));
    await status.waitFor({timeout: 600_000});
    return Number(/, (\d+) tokens\/s/.exec(await status.textContent())[1]);
  });

await useBackend('wasm');
const site = await serveSite();
const rows = [
  ['recall of pairs, steps/s', () => trainInPage(site, 'recall'), () => trainInNode('recall')],
  ['characters of a text, steps/s', () => trainInPage(site, 'text'), () => trainInNode('text')],
  ['writing, tokens/s', () => writeInPage(site), writeInNode],
];
const middle = numbers => numbers.toSorted((a, b) => a - b)[numbers.length >> 1];
try {
  for (const [name, page, node] of rows) {
    const rates = {page: [], node: []};
    for (let round = 0; round < rounds; round++) {
      rates.node.push(await node());
      rates.page.push(await page());
    }
    const [inPage, inNode] = [middle(rates.page), middle(rates.node)];
    console.log(JSON.stringify({name, page: inPage, node: inNode, ratio: inPage / inNode, rates}));
  }
} finally {
  site.close();
}
process.exit();
