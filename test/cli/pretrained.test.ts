// A folder of the Hub on the command line: wherever a run is accepted, and out again.

import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
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

const text = Array.from({length: 400}, (_, i) => `the cat number ${i} saw the other ${i * i} birds.\n`).join(
  '',
);
const tokenizer = tokenizerFromJSON(tinyBpe());
/** More ids than the tokenizer has, as in many a folder of the Hub. */
const small = {vocabSize: 264, dModel: 16, layers: 2, heads: 2, seed: 3} as const;

describe('a folder of Hugging Face on the command line', function () {
  this.timeout(300_000);
  let root: string;
  const at = (name: string): string => join(root, name);
  before(async () => {
    root = mkdtempSync(join(tmpdir(), 'bmojo-pretrained-'));
    await useBackend('cpu');
    const model = LanguageModel.create({...small, preset: 'mamba'});
    await writePretrainedFolder(at('hub'), {model, tokenizer});
    model.model.dispose();
    writeFileSync(at('text.txt'), text);
    const prepared = await bmojo([
      ...['data', 'prepare', at('text.txt'), '--out', at('data')],
      ...['--tokenizer', at('hub/tokenizer.json')],
    ]);
    expect(prepared.code, prepared.err).to.equal(0);
  });
  after(() => rmSync(root, {recursive: true, force: true}));

  it('model info: its settings without its weights', async () => {
    const {out, code} = await bmojo(['model', 'info', at('hub'), '--json']);
    expect(code).to.equal(0);
    const {config, parameters, stored} = JSON.parse(out);
    expect(config).to.include({preset: 'mamba', vocabSize: 264, layers: 2});
    expect(stored).to.deep.equal([{dtype: 'float32', bytes: 4 * parameters}]);
    await bmojo([
      ...['model', 'export', at('hub'), '--format', 'huggingface', '--dtype', 'bfloat16'],
      ...['--out', at('half')],
    ]);
    const half = await bmojo(['model', 'info', at('half')]);
    expect(half.out).to.match(
      new RegExp(`weights on disk, bfloat16 +\\D${((2 * parameters) / 1000).toPrecision(3)} kB`),
    );
    // Settings alone tell what a model takes, nothing of files.
    rmSync(join(at('half'), 'model.safetensors'));
    const alone = JSON.parse((await bmojo(['model', 'info', at('half'), '--json'])).out);
    expect(alone).to.deep.include({parameters, stored: []});
  });

  it('generate: text by its own tokenizer, ids of padding never', async () => {
    const args = ['--checkpoint', at('hub'), '--prompt', 'the', '--tokens', '12', '--backend', 'cpu'];
    const {out, code, err} = await bmojo(['generate', ...args]);
    expect(code, err).to.equal(0);
    expect(out).to.match(/^the/);
    const half = await bmojo(['generate', ...args, '--dtype', 'float16']);
    expect(half.code, half.err).to.equal(0);
    expect(half.out).to.match(/^the/);
  });

  it('train lm --init-from: fine-tunes it, and the run leaves in its layout again', async () => {
    const trained = await bmojo([
      ...['train', 'lm', '--data', at('data'), '--init-from', at('hub'), '--out', at('run')],
      ...['--steps', '3', '--batch', '2', '--context', '16', '--backend', 'cpu'],
    ]);
    expect(trained.code, trained.err).to.equal(0);
    expect(trained.out).to.include(`begins with the weights of ${at('hub')}, step 0`);
    const exported = await bmojo([
      ...['model', 'export', at('run'), '--format', 'huggingface', '--out', at('again')],
    ]);
    expect(exported.code, exported.err).to.equal(0);
    expect(exported.out).to.include('model_type mamba');
    expect(readdirSync(at('again')).sort()).to.deep.equal([
      'README.md',
      'config.json',
      'generation_config.json',
      'model.safetensors',
      'tokenizer.json',
      'tokenizer_config.json',
    ]);
    expect(readFileSync(at('again/README.md'), 'utf8')).to.include('bmojo train lm');
    const [before, after] = [await fromPretrained(at('hub')), await fromPretrained(at('again'))];
    expect(after.model.vocabSize).to.equal(264);
    const ids = [[1, 2, 3]];
    expect(await wholeLogits(after.model, ids)).to.not.deep.equal(await wholeLogits(before.model, ids));
    for (const {model} of [before, after]) model.model.dispose();
  });

  it('model export: one of our folders, which writes the same text', async () => {
    const {code, err} = await bmojo(['model', 'export', at('hub'), '--out', at('ours')]);
    expect(code, err).to.equal(0);
    const written = async (checkpoint: string): Promise<string> => {
      const args = ['--prompt', 'the', '--tokens', '8', '--backend', 'cpu', '--temperature', '0'];
      return (await bmojo(['generate', '--checkpoint', checkpoint, ...args])).out;
    };
    expect(await written(at('ours'))).to.equal(await written(at('hub')));
  });

  it('eval perplexity: asks for what the folder does not say', async () => {
    const args = ['eval', 'perplexity', '--checkpoint', at('hub'), '--data', at('data')];
    const few = ['--prefixes', '0,8', '--targets', '8', '--windows', '2', '--backend', 'cpu'];
    const refused = await bmojo([...args, ...few]);
    expect(refused.code).to.equal(2);
    expect(refused.err).to.include('name it with --trained TOKENS');
    const {code, err, out} = await bmojo([...args, ...few, '--trained', '16']);
    expect(code, err).to.equal(0);
    expect(out).to.include('perplexity');
  });

  it('eval memory: reads a prompt as a language model does, and refuses options of which one has no say', async () => {
    const args = ['eval', 'memory', '--checkpoint', at('hub'), '--backend', 'cpu'];
    const {code, err, out} = await bmojo([...args, '--prompt', 'the cat saw the other birds']);
    expect(code, err).to.equal(0);
    expect(out).to.include('tokens stored');
    for (const [more, words] of [
      [['--text', at('text.txt')], '--prompt and --text exclude each other'],
      [['--length', '8'], '--prompt and --length exclude each other'],
      [['--sample', '1'], '--sample is one of the held-out texts'],
    ] as const) {
      const refused = await bmojo([...args, '--prompt', 'the', ...more]);
      expect([refused.code, refused.err.includes(words)], refused.err).to.deep.equal([2, true]);
    }
    const both = ['--text', at('text.txt'), '--data', at('data'), '--trained', '16', '--backend', 'cpu'];
    const two = await bmojo(['eval', 'perplexity', '--checkpoint', at('hub'), ...both]);
    expect([two.code, two.err.includes('--text and --data exclude each other')], two.err).to.deep.equal([
      2,
      true,
    ]);
  });

  it('says in words what it cannot read', async () => {
    const config = JSON.parse(readFileSync(at('hub/config.json'), 'utf8'));
    const other = mkdtempSync(join(root, 'other-'));
    writeFileSync(join(other, 'config.json'), JSON.stringify({...config, hidden_act: 'relu'}));
    const {code, err} = await bmojo(['generate', '--checkpoint', other]);
    expect(code).to.be.above(0);
    expect(err.trim().split('\n')).to.have.length(1);
    expect(err).to.include('hidden_act must be "silu" or "swish", got "relu"');
  });
});
