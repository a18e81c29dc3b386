// What `--json` prints is what docs/json.md says.

import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {bmojo} from '../support/command.js';
import {allCommands} from '../support/command-table.js';

const page = readFileSync(join(import.meta.dirname, '../../../docs/json.md'), 'utf8');

/** Rows of the page's tables by what stands in their first cell. */
const rows = new Map(
  page.split('\n').flatMap(line => {
    const [, first, ...rest] = line.split('|').map(cell => cell.trim());
    return line.startsWith('| `') ? [[first.replaceAll('`', ''), rest] as const] : [];
  }),
);

/** Names in backticks in the last cell of a row, up to what is said of the last of them. */
function documented(name: string): string[] {
  const cells = rows.get(name) ?? [];
  const [fields = ''] = (cells.at(-2) ?? '').split(';');
  return [...fields.matchAll(/`([\w-]+)`/g)].map(([, field]) => field);
}

describe('--json', () => {
  it('is an option of every command that finds something, each of which the page has a row for', async () => {
    for (const {words, options} of await allCommands()) {
      if (words.startsWith('setup')) continue;
      expect(options, words).to.have.property('json');
      const known = [...rows.keys()].filter(name => words === name || words.startsWith(`${name} `));
      expect(known, words).to.not.have.lengthOf(0);
    }
  });

  it('has the fields that are documented', async function () {
    this.timeout(300_000);
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-json-'));
    const run = join(folder, 'a');
    const json = async (...words: string[]): Promise<Record<string, unknown>[]> => {
      const {code, out, err} = await bmojo([...words, '--json']);
      expect(code, `${words.join(' ')}: ${err}`).to.equal(0);
      try {
        return [JSON.parse(out)].flat();
      } catch {
        return out
          .trim()
          .split('\n')
          .map(line => JSON.parse(line));
      }
    };
    const expectFields = (found: Record<string, unknown>, name: string): void => {
      const fields = documented(name);
      expect(fields, name).to.not.have.lengthOf(0);
      /** Names of the object's fields and of those inside of them, of lists the first. */
      const keys = (value: unknown): string[] =>
        typeof value !== 'object' || value === null
          ? []
          : Array.isArray(value)
            ? keys(value[0])
            : Object.entries(value).flatMap(([key, inner]) => [key, ...keys(inner)]);
      expect(keys(found), name).to.include.members(fields);
    };
    try {
      const small =
        '--length 16 --pairs 2 --vocab-size 16 --window 4 --d-model 8 --heads 1 --batch 4 --eval-samples 4 --steps 1 ' +
        '--backend wasm';
      const events = await json('train', 'mqar', ...small.split(' '), '--out', run);
      for (const type of ['started', 'step', 'evaluated', 'checkpoint', 'finished']) {
        const event = events.find(one => one.type === type) ?? {};
        const fields = type === 'evaluated' ? ['report'] : documented(type);
        expect(event, type).to.include.all.keys('type', 'step', ...fields);
      }
      const [evaluated] = await json('eval', 'mqar', '--checkpoint', run, '--samples', '2');
      expectFields(evaluated, 'eval');
      expectFields((await json('eval', 'memory', '--checkpoint', run))[0], 'eval memory');
      const report = join(folder, 'report.html');
      expectFields((await json('eval', 'report', run, '--out', report))[0], 'eval report');
      const [listed] = await json('runs', folder);
      expect(listed).to.include({run: 'a', window: 4, 'd-model': 8, state: 'finished'});
      const lists = ['--models', 'bmojo', '--rates', '1e-3', '--window', '4,8', '--out', join(folder, 'c')];
      const compared = await json(
        'compare',
        'mqar',
        ...small.replace('--window 4 ', '').split(' '),
        ...lists,
      );
      const {models, ...last} = compared.at(-1) ?? {};
      expect(last).to.include.all.keys('type', 'diverged', 'files');
      const [model] = Array.isArray(models) ? models : [];
      expect(model).to.include.all.keys('model', 'settings', 'rate', 'seeds', 'mean', 'least', 'most');
      expectFields((await json('model', 'info', run))[0], 'model info');
      expectFields((await json('verify', 'test/golden'))[0], 'verify');

      const text = join(folder, 'a.txt');
      writeFileSync(text, 'to be or not to be, that is the question\n'.repeat(40));
      const data = join(folder, 'data');
      expectFields((await json('data', 'prepare', text, '--out', data))[0], 'data prepare');
      expectFields((await json('data', 'verify', data))[0], 'data verify');
      expectFields((await json('data', 'list'))[0], 'data list');
      const lm = join(folder, 'lm');
      const words =
        '--context 8 --layers 1 --d-model 8 --heads 1 --window 4 --steps 1 --batch 2 --eval-samples 2';
      await json('train', 'lm', '--data', data, ...words.split(' '), '--backend', 'wasm', '--out', lm);
      const texts = await json(
        'generate',
        '--checkpoint',
        lm,
        '--prompt',
        'to',
        '--prompt',
        'be or',
        '--tokens',
        '3',
      );
      expect(texts).to.have.lengthOf(2);
      expectFields(texts[1], 'generate');
      expect(texts[1]).to.include({row: 1, prompt: 'be or'});
      const perplexity = ['--prefixes', '0,8', '--targets', '4', '--windows', '2', '--reference', '8'];
      expectFields(
        (await json('eval', 'perplexity', '--checkpoint', lm, ...perplexity))[0],
        'eval perplexity',
      );
      expectFields(
        (
          await json(
            'bench',
            'decode',
            '--positions',
            '4',
            '--layers',
            '1',
            '--d-model',
            '8',
            '--out',
            folder,
          )
        )[0],
        'bench decode',
      );
    } finally {
      rmSync(folder, {recursive: true});
    }
  });
});
