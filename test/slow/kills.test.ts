// kill -9 while files are written: what is there afterwards is the old or the new, whole, and the same command goes on.
// `BMOJO_KILLS=100 npm run test:slow` for a hundred kills each.

import {cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {closeData, openData} from '../../data/files/index.js';
import {readRecords} from '../../experiments/evaluations.js';
import {RunFolder} from '../../experiments/run-folder.js';
import {decodeSealed} from '../../formats/sealed-safetensors.js';
import {openModel} from '../../models/node.js';
import {bmojo} from '../support/command.js';
import {KILLS, killAgainAndAgain, runUntil} from '../support/killed.js';

const SMALL = [
  ...[
    '--d-model',
    '8',
    '--heads',
    '1',
    '--layers',
    '1',
    '--window',
    '4',
    '--batch',
    '2',
    '--backend',
    'wasm',
  ],
  ...[
    '--context',
    '12',
    '--steps',
    '3',
    '--eval-samples',
    '2',
    '--eval-every',
    '1',
    '--checkpoint-every',
    '1',
  ],
];

describe(`kill -9, ${KILLS} times each`, () => {
  let folder: string;
  const at = (...names: string[]): string => join(folder, ...names);
  before(async () => {
    await useBackend('wasm');
    folder = mkdtempSync(join(tmpdir(), 'bmojo-kills-'));
    writeFileSync(at('text.txt'), Array.from({length: 20_000}, (_, i) => `line ${i} of the text\n`).join(''));
    expect(await runUntil(['data', 'prepare', at('text.txt'), '--out', at('data')])).to.equal(true);
    expect(await runUntil(['train', 'lm', '--data', at('data'), ...SMALL, '--out', at('run')])).to.equal(
      true,
    );
  });
  after(() => rmSync(folder, {recursive: true, force: true}));

  it('data prepare: the folder is one of data or can be made one by the same command', async () => {
    const prepare = () => ['data', 'prepare', at('text.txt'), '--out', at('killed')];
    await killAgainAndAgain(
      () => {
        rmSync(at('killed'), {recursive: true, force: true});
        return prepare();
      },
      async (_, ended) => {
        if (!ended && !existsSync(at('killed', 'data.json')))
          expect(await runUntil(prepare())).to.equal(true);
        const data = openData(at('killed'), {verify: true});
        expect(data.train.sha256).to.equal(openedHash(at('data')));
        closeData(data);
        const left = readdirSync(at('killed')).filter(name => name !== 'lock.json');
        expect(left.sort()).to.deep.equal(['data.json', 'tokenizer.json', 'train.tokens', 'valid.tokens']);
      },
    );
  });

  it('evaluations: every record that is there is whole', async () => {
    await killAgainAndAgain(
      () => ['eval', 'perplexity', '--checkpoint', at('run'), '--prefixes', '0,4', '--windows', '2'],
      () => {
        for (const record of readRecords(at('run'))) expect(record.table.length).to.be.above(1);
      },
    );
    expect((await bmojo(['eval', 'report', at('run'), '--out', at('report.html')])).code).to.equal(0);
  });

  it('generation states: the old or the new, whole', async () => {
    await killAgainAndAgain(
      () => [
        'generate',
        '--checkpoint',
        at('run'),
        '--tokens',
        '4',
        '--prompt',
        'line',
        '--save-state',
        at('state'),
      ],
      () => {
        expect(decodeSealed(readFileSync(at('state'))).tensors.length).to.be.above(0);
      },
    );
  });

  for (const source of ['run', 'run/model-best'])
    it(`model export of ${source}: the folder is whole or not there, and the same command makes it`, async () => {
      const out = at('exported');
      const make = () => ['model', 'export', at(source), '--out', out];
      await killAgainAndAgain(
        () => {
          rmSync(out, {recursive: true, force: true});
          return make();
        },
        async () => {
          if (!existsSync(out)) expect(await runUntil(make())).to.equal(true);
          const {model} = await openModel(out);
          model.model.dispose();
        },
      );
      expect(readdirSync(folder).filter(name => name.startsWith('exported'))).to.deep.equal(['exported']);
    });

  it('model folders of a run that ends: each opens, and the run goes on', async () => {
    const go = () => ['train', 'lm', '--resume', '--out', at('again')];
    const began = () => {
      rmSync(at('again'), {recursive: true, force: true});
      cpSync(at('run'), at('again'), {recursive: true});
      rmSync(at('again', 'result.json'));
      return go();
    };
    await killAgainAndAgain(began, async () => {
      for (const name of ['model', 'model-best']) {
        const {model} = await openModel(at('again', name));
        model.model.dispose();
      }
      expect(await runUntil(go())).to.equal(true);
      expect(RunFolder.open(at('again')).readResult().step).to.equal(3);
    });
  });

  function openedHash(path: string): string {
    const data = openData(path);
    closeData(data);
    return data.train.sha256;
  }
});
