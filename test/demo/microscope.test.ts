// The memory microscope: what it shows is what Node computes, an intervention changes what it should, a link restores it.

import {mkdtempSync, readdirSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import type {BrowserContext, Page} from 'playwright-core';
import {byteTokenizer, createMqar} from '../../data/index.js';
import type {Inspection} from '../../eval/index.js';
import {inspect} from '../../eval/index.js';
import {LanguageModel, useBackend} from '../../index.js';
import {asLanguageModel} from '../../models/create.js';
import {openModel, writeModelFolder} from '../../models/node.js';
import {hasFocus, seriousFindings, siteOfSuite, soon, visit} from './site.js';

const sample = createMqar({vocabSize: 256, length: 64, pairs: 8, filler: 'zero'}).sample({
  seed: 1,
  split: 'test',
  index: 0,
});
/** The same of the shipped models, whose vocabulary is smaller. */
const sample64 = createMqar({vocabSize: 64, length: 64, pairs: 8, filler: 'zero'}).sample({
  seed: 1,
  split: 'test',
  index: 0,
});
const storing = join(import.meta.dirname, '../../../demo/public/models/recall-storage');
const BROUGHT = 'the-chosen-files';
/** Bytes. */
const MOST_SCRIPT = 500_000;
const LOOKED = /64 tokens, on/;

async function bring(page: Page, folder: string): Promise<void> {
  const files = readdirSync(folder).map(name => join(folder, name));
  await page.getByLabel('Choose files').setInputFiles(files);
  await page.getByRole('button', {name: /^Delete/}).waitFor();
}

/** Opens the microscope with a view, on the model that was brought. */
async function see(page: Page, parts: string): Promise<void> {
  await page.goto(`${page.url().split('#')[0]}#/microscope?model=${BROUGHT}&${parts}`);
  await page.getByText(LOOKED).waitFor();
  await page.getByRole('region', {name: 'What comes next'}).waitFor();
}

/** A worker that is asked what a token reads only when `release` says so. */
function holdReadings(): void {
  const post = Worker.prototype.postMessage;
  const held: (() => void)[] = [];
  let isHeld = false;
  Worker.prototype.postMessage = function (this: Worker, order: {readonly name: string}) {
    if (isHeld && order.name === 'attend') held.push(() => post.call(this, order));
    else post.call(this, order);
  };
  Object.assign(window, {
    held,
    hold: () => {
      isHeld = true;
    },
    release: () => {
      isHeld = false;
      for (const send of held.splice(0)) send();
    },
  });
}

/** Seconds that a page and its worker have computed: what else the machine does does not count. */
async function computed(page: Page, context: BrowserContext): Promise<number> {
  const session = await context.newCDPSession(page);
  await session.send('Performance.enable');
  const {metrics} = await session.send('Performance.getMetrics');
  await session.detach();
  const time = metrics.find(({name}) => name === 'ProcessTime');
  if (time === undefined) throw new Error('this browser does not tell what its pages compute');
  return time.value;
}

const cells = (page: Page, region: string): Promise<string[][]> =>
  page
    .getByRole('region', {name: region})
    .locator('tbody tr')
    .evaluateAll(rows =>
      rows.map(row => [...row.querySelectorAll('td, th')].map(cell => cell.textContent?.trim() ?? '')),
    );

describe('demo: memory microscope', function () {
  this.timeout(600_000);
  const shown = siteOfSuite();
  let folder: string;
  let model: LanguageModel;
  let seen: Inspection;
  before(async () => {
    folder = join(mkdtempSync(join(tmpdir(), 'bmojo-microscope-')), 'first');
    await useBackend('wasm');
    model = LanguageModel.create({
      preset: 'bmojo',
      vocabSize: 256,
      dModel: 16,
      layers: 2,
      window: 4,
      eideticSlots: 4,
      seed: 5,
    });
    const tokenizer = byteTokenizer();
    await writeModelFolder(folder, {model, tokenizer, title: 'a model of random weights'});
    seen = await inspect(model, sample.inputs, {labels: sample.labels});
  });
  after(() => {
    model?.model.dispose();
    rmSync(join(folder, '..'), {recursive: true, force: true});
  });

  it('is the landing page, and says what to do where there is no model', () =>
    visit(
      shown,
      '',
      async ({page, complaints}) => {
        await page.getByRole('heading', {name: 'Memory microscope', level: 1}).waitFor();
        await page
          .getByText('There is no model here yet')
          .or(page.getByLabel('Model', {exact: true}))
          .waitFor();
        expect(await seriousFindings(page)).to.deep.equal([]);
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false, width: 390},
    ));

  for (const webgpu of [true, false]) {
    it(`shows what Node computes, on ${webgpu ? 'webgpu' : 'wasm'}; what is forgotten changes what follows, alone`, () =>
      visit(
        shown,
        'yours',
        async ({page, complaints, scriptBytes}) => {
          await bring(page, folder);
          // Stored for many queries: the one that most of the sequence can read.
          const [stored] = [...seen.layers[0].stored!].sort((a, b) => b.until - b.from - (a.until - a.from));
          const query = sample.queries.find(({position}) => position > stored.from)!.position;
          await see(page, `seed=1&length=64&pairs=8&at=${query}&layer=0&head=1`);
          expect(await page.locator('main').textContent()).to.include(webgpu ? '(webgpu)' : '(wasm)');
          expect(scriptBytes(), 'gzipped script').to.be.below(MOST_SCRIPT);
          const token = page.locator(`#token-${stored.position}`);
          expect(await token.getAttribute('aria-label')).to.include(
            `innovation ${seen.layers[0].innovation![stored.position].toPrecision(3).slice(0, 4)}`,
          );
          expect(await token.getAttribute('class')).to.equal('token stored');
          const next = await seen.next(query);
          const likely = await page
            .getByRole('region', {name: 'What comes next'})
            .locator('tbody tr')
            .evaluateAll(rows =>
              rows.map(row => [row.children[0].textContent, row.children[1].getAttribute('title')]),
            );
          expect(likely).to.have.lengthOf(6);
          for (const [piece, share] of likely) {
            const id = piece === '·' ? 0 : Number(piece?.slice(1));
            expect(Math.log(Number(share)), `logit of ${piece}`).to.be.closeTo(Math.log(next[id]), 1e-4);
          }
          const reads = seen.reads(0, query).sort((a, b) => b.weights[1] - a.weights[1]);
          for (const [row, told] of (await cells(page, 'What it reads')).entries()) {
            expect(told[1].split(' ')[0]).to.equal(reads[row].memory);
            expect(Number(told[3].replace(' %', ''))).to.be.closeTo(100 * reads[row].weights[1], 0.51);
          }
          expect(await seriousFindings(page)).to.deep.equal([]);

          const told = reads.slice(0, 8).find(({memory}) => memory === 'eidetic')!.position;
          await page.getByRole('button', {name: `forget token ${told}`, exact: true}).click();
          await page.locator('#effect').waitFor();
          expect(page.url()).to.include(`do=forget.${told}`);
          await page.getByRole('columnheader', {name: 'changed', exact: true}).waitFor();
          await page.getByRole('button', {name: 'Undo all'}).click();
          await page.locator('#effect').waitFor({state: 'detached'});

          await page.getByRole('listbox').press('Home');
          await token.click();
          await page.getByRole('heading', {name: new RegExp(`^Token ${stored.position}:`)}).waitFor();
          await page.getByRole('button', {name: 'Forget it'}).click();
          await page.getByRole('region', {name: 'What changes'}).waitFor();
          const changed = await inspect(model, sample.inputs, {
            labels: sample.labels,
            interventions: [{kind: 'forget', position: stored.position}],
          });
          for (const [at, one, other] of await cells(page, 'What changes')) {
            const position = Number.parseInt(at, 10);
            expect(position).to.be.at.least(stored.from);
            expect(Number(one)).to.be.closeTo(seen.losses[position], 6e-4);
            expect(Number(other)).to.be.closeTo(changed.losses[position], 6e-4);
          }
          await soon(async () => expect(await token.getAttribute('class')).to.equal('token'));
          await soon(async () => {
            expect(await page.locator('#chosen').textContent())
              .to.include('It is never stored.')
              .and.include(`Unchanged, it is stored for queries ${stored.from} to ${stored.until - 1}`);
          });
          const link = page.url();
          expect(link).to.include(`do=forget.${stored.position}`);
          const effect = await page.locator('#effect').textContent();
          await page.goto('about:blank');
          await page.goto(link);
          await soon(async () => expect(await page.locator('#effect').textContent()).to.equal(effect));
          await page.getByRole('button', {name: 'Undo all'}).click();
          await page.locator('#effect').waitFor({state: 'detached'});
          expect(page.url()).to.not.include('do=');
          expect(complaints.filter(words => !/404/.test(words))).to.deep.equal([]);
        },
        {webgpu},
      ));
  }

  it('shows around, by the keyboard alone: each step of the tour shows what it speaks of', () =>
    visit(
      shown,
      '',
      async ({page, complaints, scriptBytes}) => {
        await page.getByText(LOOKED).waitFor();
        expect(scriptBytes(), 'gzipped script of a page that looks').to.be.below(MOST_SCRIPT);
        const begin = page.getByRole('button', {name: 'Show me around'});
        await begin.focus();
        await page.keyboard.press('Enter');
        const tour = page.getByRole('region', {name: 'Tour'});
        const press = async (name: string): Promise<void> => {
          const button = tour.getByRole('button', {name, exact: true, disabled: false});
          await button.waitFor();
          await hasFocus(button);
          await page.keyboard.press('Enter');
        };
        /** Until the worker has looked there is nothing to press, and the page shows what the step before spoke of. */
        const step = async (words: string): Promise<void> => {
          await tour.getByText(words).waitFor();
          await tour.getByRole('button', {name: /^(Next|Done)$/, disabled: false}).waitFor();
        };
        await step('1 of 5');
        await press('Next');
        await step('2 of 5');
        await page.locator('#chosen').getByText('It is stored for queries').waitFor();
        await press('Next');
        await step('3 of 5');
        // The words under the strip tell shares of the three memories: this token reads what is kept above all.
        const shares = [...((await page.locator('#chosen').textContent()) ?? '').matchAll(/(\d+) %/g)];
        expect(Number(shares[2][1]), 'eidetic share').to.be.above(Number(shares[0][1]));
        await press('Next');
        await step('4 of 5');
        const effect = await page.locator('#effect').textContent();
        const [, before, after] = /(\d+) of \d+ before, (\d+) now/.exec(effect ?? '') ?? [];
        expect(Number(after), 'right answers with a token forgotten').to.be.below(Number(before));
        await page.waitForFunction(() => {
          const box = document.getElementById('effect')?.getBoundingClientRect();
          return box !== undefined && box.top >= 0 && box.bottom <= innerHeight;
        });
        await press('Next');
        await step('5 of 5');
        await page.locator('#effect').waitFor({state: 'detached'});
        expect(await seriousFindings(page)).to.deep.equal([]);
        await press('Done');
        await begin.waitFor();
        await hasFocus(begin);
        await page.goto(`${page.url().split('#')[0]}#/write`);
        await page.getByRole('heading', {name: 'Write'}).waitFor();
        await page.getByRole('button', {name: 'To the content'}).press('Enter');
        await page.waitForFunction(() => document.activeElement?.id === 'main');
        await page.getByRole('heading', {name: 'Write'}).waitFor();
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false, width: 390},
    ));

  it('shows the memory as it was or as it is, nowhere both, and what the token reads that is chosen in the end', () =>
    visit(
      shown,
      '',
      async ({page}) => {
        await page.addInitScript(holdReadings);
        await page.reload();
        await page.getByText(LOOKED).waitFor();
        await page.locator('#token-7').click();
        await page.getByRole('heading', {name: /^Token 7:/}).waitFor();
        await page.evaluate('hold()');
        await page.getByRole('button', {name: 'Forget it'}).click();
        // Behind the answer of what becomes of the memory.
        await page.waitForFunction('held.length === 1');
        await page.evaluate(() => new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve))));
        const changed = page.getByRole('columnheader', {name: 'changed', exact: true});
        expect([await page.locator('#effect').count(), await changed.count()]).to.deep.equal([0, 0]);
        await page.locator('#token-9').click();
        await page.evaluate('release()');
        await page.getByRole('heading', {name: /^Token 9:/}).waitFor();
        expect([await page.locator('#effect').count(), await changed.count()]).to.deep.equal([1, 1]);
      },
      {webgpu: false},
    ));

  it('a look that is stopped at its end is neither shown in part nor gone back to', () =>
    visit(
      shown,
      '',
      async ({page, complaints}) => {
        await page.addInitScript(holdReadings);
        await page.reload();
        await page.getByText(LOOKED).waitFor();
        await page.locator('#token-7').click();
        await page.getByRole('heading', {name: /^Token 7:/}).waitFor();
        /** Stops a look when only what the token reads is still asked. */
        const forgetAndStop = async (): Promise<void> => {
          await page.evaluate('hold()');
          await page.getByRole('button', {name: 'Forget it'}).click();
          await page.waitForURL(/do=forget/);
          await page.waitForFunction('held.length === 1');
          await page.evaluate(() => new Promise(resolve => requestAnimationFrame(() => setTimeout(resolve))));
          await page.getByRole('button', {name: 'Stop', exact: true}).click();
          await page.getByText('Stopped. What is shown').waitFor();
          await page.evaluate('release()');
        };
        const shownParts = async (): Promise<number[]> => [
          await page.locator('#effect').count(),
          await page.getByRole('columnheader', {name: 'changed', exact: true}).count(),
        ];
        await forgetAndStop();
        expect(await shownParts()).to.deep.equal([0, 0]);
        await page.getByLabel('Window', {exact: true}).fill('5');
        await page.locator('#effect').waitFor();
        await page.goBack();
        await page.waitForURL(/at=7(?!.*(do|window)=)/);
        await page.locator('#effect').waitFor({state: 'detached'});
        await forgetAndStop();
        await page.locator('#token-9').click();
        await page.getByRole('heading', {name: /^Token 9:/}).waitFor();
        expect(await shownParts()).to.deep.equal([1, 1]);
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false},
    ));

  it('goes back to what was looked at before, past tokens and half a number, and from the first to the page before', () =>
    visit(
      shown,
      'yours',
      async ({page, complaints}) => {
        await bring(page, folder);
        await see(page, 'seed=1&length=64&pairs=8');
        await page.getByRole('button', {name: 'Another', exact: true}).click();
        await page.waitForURL(/seed=2&/);
        await page.getByText(LOOKED).waitFor();
        for (const at of [3, 4]) {
          await page.locator(`#token-${at}`).click();
          await page.waitForURL(new RegExp(`at=${at}&`));
        }
        await page.getByLabel('Window', {exact: true}).pressSequentially('3');
        await page.waitForURL(/window=43/);
        await page.locator('#effect').waitFor();
        for (const address of [/seed=2&length=64&pairs=8&at=4&(?!.*window)/, /seed=1&(?!.*at=)/]) {
          await page.goBack();
          await page.waitForURL(address);
          await page.getByText(LOOKED).waitFor();
          await page.locator('#effect').waitFor({state: 'detached'});
        }
        await page.goForward();
        await page.waitForURL(/seed=2&length=64&pairs=8&at=4&/);
        await page.goBack();
        await page.goBack();
        await page.getByLabel('Choose files').waitFor();
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false, width: 390},
    ));

  it('says how far it is with a long text, and is stopped; what it is asked next it answers', () =>
    visit(
      shown,
      'yours',
      async ({page, complaints}) => {
        await bring(page, folder);
        await see(page, 'seed=1&length=64&pairs=8');
        await page.getByLabel('your own text').check();
        await page.getByText(/^230 tokens, on/).waitFor();
        const [stop, again] = ['Stop', 'Look again'].map(name =>
          page.getByRole('button', {name, exact: true}),
        );
        const read = async (text: string): Promise<void> => {
          await page.getByLabel('Text', {exact: true}).fill(text);
          await page.getByRole('button', {name: 'Look at it'}).click();
        };
        expect(await again.getAttribute('aria-disabled')).to.equal('true');
        await read('to be or not to be, '.repeat(2000));
        await page.getByRole('progressbar', {name: 'share of the look that is done'}).waitFor();
        await stop.click();
        await page.getByText('Stopped.', {exact: true}).waitFor();
        expect(await page.getByRole('progressbar').count()).to.equal(0);
        expect(await seriousFindings(page)).to.deep.equal([]);
        await hasFocus(stop);
        await again.click();
        await page.getByText('Looking ...').waitFor();
        await stop.click();
        await read('to be');
        await page.getByText(/^5 tokens, on/).waitFor();
        expect(await again.getAttribute('aria-disabled')).to.equal('true');
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false, width: 390},
    ));

  it('asks the other models the same; a token that is kept or put in the place of another is read', () =>
    visit(
      shown,
      '',
      async ({page, complaints}) => {
        await page.getByText(LOOKED).waitFor();
        await page.getByText('How it was made').click();
        expect(await page.locator('details code').textContent()).to.include('npx bmojo train mqar-mixture ');
        expect(
          await page.evaluate(
            async () => (await fetch(document.querySelector<HTMLAnchorElement>('details a')!.href)).status,
          ),
        ).to.equal(200);
        await page.getByRole('button', {name: 'Ask the other models the same'}).click();
        const table = page.getByRole('region', {name: 'Answers of each model'}).locator('tbody tr');
        await table.nth(4).waitFor();
        const right = new Map(
          (await cells(page, 'Answers of each model')).map(row => [row[0], Number(row[1].split(' ')[0])]),
        );
        expect(right.get("recall of pairs: B'MOJO")).to.be.at.least(7);
        expect(right.get('recall of pairs: Transformer')).to.be.at.least(7);
        expect(right.get("recall of pairs: B'MOJO with storage")).to.be.at.least(7);
        expect(right.get('recall of pairs: window only')).to.be.at.most(5);
        // What others say to a sequence that is gone does not stand beside the next.
        await page.getByRole('button', {name: 'Ask the other models the same'}).click();
        await page.getByRole('button', {name: 'Another', exact: true}).click();
        await page.getByText(LOOKED).waitFor();
        await soon(async () => expect(await table.count()).to.equal(0));

        // Kept by hand: stored from the first chunk that could, until the end.
        await page.goto(`${page.url().split('#')[0]}#/microscope?model=recall-bmojo&at=20&do=pin.20&slots=4`);
        await page.getByRole('heading', {name: /^Token 20:/}).waitFor();
        const words = (await page.locator('#chosen').textContent()) ?? '';
        expect(words).to.match(/stored for queries \d+ to 63\./);
        // Another in its place: nobody reads the one, whoever read it reads the other.
        await page.getByRole('button', {name: 'Undo all'}).click();
        await page.locator('#effect').waitFor({state: 'detached'});
        const before = (await page.locator('#token-7').getAttribute('aria-label')) ?? '';
        expect(before).to.include('stored for queries');
        await page.locator('#token-7').click();
        await page.getByRole('spinbutton', {name: 'token', exact: true}).fill('4');
        await page.getByRole('button', {name: 'Put another in its place'}).click();
        await page.locator('#effect').waitFor();
        expect(page.url()).to.include('do=swap.7.4');
        expect(await page.locator('#token-7').getAttribute('aria-label')).to.not.include(
          'stored for queries',
        );
        expect(await page.locator('#token-4').getAttribute('aria-label')).to.include('stored for queries');
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false},
    ));

  it('shows storage as the fourth memory: what was asked, what came back, from how far', async () => {
    const {model: opened} = await openModel(storing);
    const query = sample64.queries.findLast(({distance}) => distance > 24)!.position;
    const {reads, layers} = await inspect(asLanguageModel(opened), sample64.inputs, {
      labels: sample64.labels,
    });
    const rows = reads(1, query).filter(({memory}) => memory === 'storage');
    opened.model.dispose();
    await visit(
      shown,
      `microscope?model=recall-storage&layer=1&head=0&at=${query}`,
      async ({page, complaints}) => {
        const section = page.getByRole('region', {name: 'What storage gave back'});
        await section.locator('li').nth(1).waitFor();
        for (const head of [0, 1]) {
          const told = await section.locator('li').nth(head).locator('span').allTextContents();
          const own = rows.filter(({weights}) => weights[head] > 0);
          expect(told).to.have.lengthOf(own.length);
          expect(told).to.have.lengthOf(4);
          for (const {position, distance, weights} of own)
            expect(told.join()).to.match(
              new RegExp(
                `${position}: \\S+, ${distance} tokens back, read with ${Math.round(100 * weights[head])} %`,
              ),
            );
        }
        const share = Math.round(100 * layers[1].shares![0][query][3]);
        expect(share, 'what is asked for comes from storage').to.be.above(30);
        expect(await page.locator('#chosen').textContent()).to.include(`storage ${share} %`);
        const [file] = await Promise.all([
          page.waitForEvent('download'),
          page.getByRole('button', {name: 'Save as SVG'}).click(),
        ]);
        expect(readFileSync(await file.path(), 'utf8')).to.include('>storage<');
        expect(await seriousFindings(page)).to.deep.equal([]);
        expect(complaints).to.deep.equal([]);
      },
      {webgpu: false, width: 390},
    );
  });

  it('takes other slots, a text of ten thousand tokens, and saves what it shows', () =>
    visit(
      shown,
      'yours',
      async ({page, context, complaints}) => {
        await bring(page, folder);
        await see(page, 'seed=1&length=64&pairs=8');
        await page.getByLabel('Slots').fill('1');
        await page.getByLabel('Slots').press('Tab');
        await page.locator('#effect').waitFor();
        expect(page.url()).to.include('slots=1');
        for (const kind of ['SVG', 'PNG', 'HTML']) {
          const [file] = await Promise.all([
            page.waitForEvent('download'),
            page.getByRole('button', {name: `Save as ${kind}`}).click(),
          ]);
          const bytes = readFileSync(await file.path());
          if (kind === 'PNG') expect(bytes.subarray(1, 4).toString()).to.equal('PNG');
          else expect(bytes.toString()).to.include('layer 2').and.include('</svg>');
        }
        await page.getByLabel('Slots').fill('4');
        await page.getByLabel('Slots').press('Tab');
        await page.locator('#effect').waitFor({state: 'detached'});

        await page.getByLabel('your own text').check();
        await page.getByLabel('Text', {exact: true}).fill('All the world is a stage. '.repeat(400));
        await page.getByRole('button', {name: 'Look at it'}).click();
        await page.getByText('10400 tokens, on').waitFor();
        await page.getByRole('listbox').press('End');
        await page.getByRole('heading', {name: /^Token 10399:/}).waitFor();
        await page.locator('#token-10399').waitFor();
        expect(await page.locator('.token').count(), 'only what is in sight is there').to.be.below(600);
        const before = await computed(page, context);
        for (let press = 0; press < 20; press++) await page.getByRole('listbox').press('ArrowLeft');
        await page.getByRole('heading', {name: /^Token 10379:/}).waitFor();
        expect((await computed(page, context)) - before, 'twenty steps, seconds').to.be.below(5);
        expect(complaints.filter(words => !/404/.test(words))).to.deep.equal([]);
      },
      {webgpu: false, width: 390},
    ));
});
