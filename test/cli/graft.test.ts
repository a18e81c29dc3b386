// `bmojo graft`: from a folder of the Hub to one with memories, which writes, trains and is measured as others do.

import {mkdtempSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {tokenizerFromJSON} from '../../data/index.js';
import {LanguageModel} from '../../models/index.js';
import {fromPretrained, writePretrainedFolder} from '../../models/node.js';
import {bmojo} from '../support/command.js';
import {wholeLogits} from '../support/golden-models.js';
import {tinyBpe} from '../support/tiny-bpe.js';

const BEGIN = 3;
/** A tokenizer that puts an id before every text. */
const tokenizer = tokenizerFromJSON({
  ...tinyBpe(),
  post_processor: {
    type: 'TemplateProcessing',
    single: [{SpecialToken: {id: '<s>', type_id: 0}}, {Sequence: {id: 'A', type_id: 0}}],
    pair: [],
    special_tokens: {'<s>': {id: '<s>', ids: [BEGIN], tokens: ['<s>']}},
  },
});
const small = {vocabSize: 264, dModel: 16, layers: 2, heads: 2, seed: 3, mlp: true} as const;

describe('bmojo graft', function () {
  this.timeout(300_000);
  let root: string;
  const at = (name: string): string => join(root, name);
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'bmojo-graft-'));
    await useBackend('cpu');
    const model = LanguageModel.create({...small, preset: 'transformer'});
    await writePretrainedFolder(at('hub'), {model, tokenizer, stopTokens: [5, 6], context: 16});
    model.model.dispose();
    writeFileSync(at('text.txt'), 'the cat saw the other bird.\n'.repeat(200));
  });
  after(() => rmSync(root, {recursive: true, force: true}));

  it('grafts, keeps what the folder says of text, and the result is trained and measured', async () => {
    const args = ['graft', at('hub'), '--window', '6', '--eidetic-slots', '4', '--state-size', '4'];
    const {code, err, out} = await bmojo([...args, '--layers', '1', '--out', at('grafted'), '--json']);
    expect(code, err).to.equal(0);
    const {layers, added} = JSON.parse(out);
    expect(layers).to.deep.equal([1]);
    const {model, startTokens, stopTokens} = await fromPretrained(at('grafted'));
    const {model: before} = await fromPretrained(at('hub'));
    expect(added).to.equal(model.parameterCount() - before.parameterCount());
    expect({startTokens, stopTokens}).to.deep.equal({startTokens: [BEGIN], stopTokens: [5, 6]});
    const within = [[BEGIN, 9, 8, 7, 6]];
    expect(await wholeLogits(model, within)).to.deep.equal(await wholeLogits(before, within));
    for (const one of [model, before]) one.model.dispose();
    const prepared = await bmojo([
      ...['data', 'prepare', at('text.txt'), '--out', at('data')],
      ...['--tokenizer', at('grafted/tokenizer.json')],
    ]);
    expect(prepared.code, prepared.err).to.equal(0);
    const trained = await bmojo([
      ...['train', 'lm', '--data', at('data'), '--init-from', at('grafted'), '--out', at('run')],
      ...['--steps', '3', '--batch', '2', '--context', '16', '--backend', 'cpu'],
    ]);
    expect(trained.code, trained.err).to.equal(0);
    const few = ['--prefixes', '0,8', '--targets', '8', '--windows', '2', '--backend', 'cpu'];
    const measured = await bmojo(['eval', 'perplexity', '--checkpoint', at('run'), ...few]);
    expect(measured.code, measured.err).to.equal(0);
    // A report tells what the layers are, not what the model's settings were before.
    const report = await bmojo(['eval', 'report', at('run'), '--out', at('report.html')]);
    expect(report.code, report.err).to.equal(0);
    const page = readFileSync(at('report.html'), 'utf8');
    expect(page).to.include('transformer, layers of its own');
    expect(page).to.match(
      /2 layers \(1 of 2 heads, window all; 1 of 2 heads, window 6, fading tokens of Mamba, 4 eidetic slots\)/,
    );
    expect(page).to.not.include('ssm false');
  });

  it('says in words what it cannot do, and makes no folder', async () => {
    for (const [options, words] of [
      [[], /window must be at least 1/],
      [['--window', '4', '--layers', '2'], /here 0, 1, got 2/],
      [['--window', '4', '--to', 'bmojo-f', '--eidetic-slots', '3'], /--eidetic-slots must be left away/],
      [['--window', '4', '--ssm', 'nearest'], /ssm must be 'new' for a model without an SSM/],
    ] as [string[], RegExp][]) {
      const {code, err} = await bmojo(['graft', at('hub'), ...options, '--out', at('none')]);
      expect(code, options.join(' ')).to.equal(2);
      expect(err).to.match(words);
      expect(err.trim().split('\n'), 'one line').to.have.length(1);
    }
    const {err} = await bmojo(['model', 'info', at('none')]);
    expect(err).to.include('is no run folder');
  });
});
