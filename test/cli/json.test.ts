// What `--json` prints is what docs/command-line.md says.

import {mkdtempSync, readFileSync, rmSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {bmojo} from '../support/command.js';

const page = readFileSync(join(import.meta.dirname, '../../../docs/command-line.md'), 'utf8');

/** Names in backticks in the last cell of the row whose first cell holds `words`. */
function documented(words: string): string[] {
  const row = page.split('\n').find(line => line.startsWith('|') && line.split('|')[1].includes(words)) ?? '';
  return [...(row.split('|').at(-2) ?? '').matchAll(/`([\w-]+)`/g)].map(([, name]) => name);
}

describe('--json', () => {
  it('has the fields that are documented', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'bmojo-json-'));
    try {
      const run = join(folder, 'a');
      const small = [
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
      ];
      const sizes = [
        '--heads',
        '1',
        '--batch',
        '4',
        '--eval-samples',
        '4',
        '--steps',
        '1',
        '--backend',
        'wasm',
      ];
      const trained = await bmojo(['train', 'mqar', ...small, ...sizes, '--out', run, '--json']);
      expect(trained.code, trained.err).to.equal(0);
      const events: Record<string, unknown>[] = trained.out
        .trim()
        .split('\n')
        .map(line => JSON.parse(line));
      for (const type of ['started', 'step', 'evaluated', 'checkpoint', 'finished']) {
        const event = events.find(one => one.type === type) ?? {};
        const fields = type === 'evaluated' ? ['report'] : documented(`\`${type}\``);
        expect(event, type).to.include.all.keys('type', 'step', ...fields);
      }
      const evaluated = await bmojo(['eval', 'mqar', '--checkpoint', run, '--samples', '2', '--json']);
      const {variants, ...rest} = JSON.parse(evaluated.out);
      expect(['variants', ...Object.keys(rest), ...Object.keys(variants[0])]).to.include.members(
        documented('`eval TASK --json`'),
      );
      const listed = await bmojo(['runs', folder, '--json']);
      expect(JSON.parse(listed.out)).to.include({run: 'a', window: 4, 'd-model': 8, state: 'finished'});
    } finally {
      rmSync(folder, {recursive: true});
    }
  });
});
