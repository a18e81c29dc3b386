// One model folder, made by training or by export, as users of the command line meet it.

import {cpSync, existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {expect} from 'chai';
import {modelInFolder} from '../../models/folder-on-disk.js';
import {weightBytesOf} from '../../models/held-weights.js';
import type {ModelCard} from '../../models/model-folder/index.js';
import {openModel} from '../../models/model-folder/index.js';
import {bmojo, interrupted} from '../support/command.js';

const SETTINGS =
  '--context 12 --segments 2 --d-model 8 --heads 1 --layers 2 --window 4 --eidetic-slots 4 --state-size 4 --batch 2 ' +
  '--eval-samples 4 --log-every 1 --rate 0.1 --final-rate 1 --backend wasm';

const fixture = join(import.meta.dirname, '../../../test/fixtures/v0.1.0/lm');

describe('model folders on the command line', () => {
  let folder: string;
  const at = (...names: string[]): string => join(folder, ...names);
  const ok = async (line: string): Promise<string> => {
    const {code, out, err} = await bmojo(line.split(' '));
    expect(code, `${line}: ${err}`).to.equal(0);
    return out;
  };
  const write = (path: string, more = ''): Promise<string> =>
    ok(`generate --checkpoint ${path} --prompt line --tokens 24 --seed 4 --quiet${more}`);
  const card = (path: string): ModelCard => JSON.parse(readFileSync(join(path, 'card.json'), 'utf8'));

  before(async () => {
    folder = mkdtempSync(join(tmpdir(), 'bmojo-models-'));
    const lines = Array.from({length: 300}, (_, i) => `line ${i * i} of the text\n`);
    writeFileSync(at('text.txt'), lines.join(''));
    await ok(`data prepare ${at('text.txt')} --out ${at('data')}`);
    // The best evaluation is not the last: the rate of the last steps makes sure of that.
    await ok(`train lm --data ${at('data')} ${SETTINGS} --steps 6 --eval-every 3 --out ${at('run')}`);
    await ok(`train lm --resume --out ${at('run')} --steps 9 --rate 0.3`);
    expect(JSON.parse(readFileSync(at('run', 'best', 'latest.json'), 'utf8')).step).to.be.below(9);
  });
  after(() => rmSync(folder, {recursive: true}));

  it('are left by training: the last weights and the best, each with what it is', () => {
    const best: number = JSON.parse(readFileSync(at('run', 'best', 'latest.json'), 'utf8')).step;
    const cards = [card(at('run', 'model')), card(at('run', 'model-best'))];
    expect(cards.map(({training}) => [training?.weights, training?.step])).to.deep.equal([
      ['last', 9],
      ['best', best],
    ]);
    for (const {training, tokenizer, data, command} of cards) {
      expect(training?.evaluation?.step).to.equal(training?.step);
      expect(tokenizer?.vocabSize).to.be.above(10);
      expect(data?.settings).to.include({data: 'data', context: 12});
      expect(data?.sha256).to.match(/^[0-9a-f]{64}$/);
      expect(command).to.match(/^bmojo train lm --resume --out run --steps 9 /);
    }
    for (const name of ['model', 'model-best'])
      for (const file of ['card.json', 'model.json'])
        expect(readFileSync(at('run', name, file), 'utf8')).not.to.include(tmpdir());
  });

  it('write the text that the run writes, exported ones too', async () => {
    expect(await ok(`model export ${at('run')} --out ${at('best')}`)).to.include('4 files');
    await ok(`model export ${at('run')} --weights last --out ${at('last')}`);
    const best = await write(at('run'));
    for (const path of [at('run', 'model-best'), at('best')]) expect(await write(path)).to.equal(best);
    const last = await write(at('run'), ' --weights last');
    for (const path of [at('run', 'model'), at('last')]) expect(await write(path)).to.equal(last);
    const digest = ({weights}: ModelCard): string => weights.sha256;
    expect(digest(card(at('best')))).to.equal(digest(card(at('run', 'model-best'))));
    expect(card(at('best')).command).to.equal(card(at('run', 'model-best')).command);
  });

  it('go on from a state that the run has saved', async () => {
    await write(at('run'), ` --save-state ${at('state')}`);
    const more = async (path: string): Promise<string> =>
      ok(`generate --checkpoint ${path} --state ${at('state')} --tokens 20 --seed 4 --quiet`);
    expect(await more(at('run', 'model-best'))).to.equal(await more(at('run')));
  });

  it('are evaluated like the run, by the best weights unless asked otherwise', async () => {
    const scored = async (path: string, more = ''): Promise<unknown> =>
      JSON.parse(
        await ok(
          `eval perplexity --checkpoint ${path} --data ${at('data')} --prefixes 0,8 --targets 4 --windows 4 --json${more}`,
        ),
      );
    const best = await scored(at('run'));
    expect(await scored(at('run', 'model-best'))).to.deep.equal(best);
    const last = await scored(at('run'), ' --weights last');
    expect(last).not.to.deep.equal(best);
    expect(await scored(at('run', 'model'))).to.deep.equal(last);
    expect(existsSync(at('run', 'model', 'evaluations', 'perplexity-by-prefix.json'))).to.equal(
      existsSync(at('run', 'evaluations', 'perplexity-by-prefix.json')),
    );
    await ok(`eval memory --checkpoint ${at('run', 'model-best')} --prompt line`);
  });

  it('hold weights in float16 where that is asked for: half of the bytes, the loss of the original', async () => {
    const half = at('half');
    const said = await ok(`model export ${at('run')} --dtype float16 --out ${half}`);
    expect(said).to.include('4 files');
    const [original, stored] = [card(at('run', 'model-best')), card(half)];
    expect(stored.weights).to.deep.include({storage: 'float16', bytes: original.weights.bytes / 2});
    expect(stored).to.deep.include({training: original.training, data: original.data});
    expect(await ok(`model info ${half}`)).to.match(/of float16, [0-9a-f]{64}/);
    const told = JSON.parse(await ok(`model info ${half} --json`));
    expect(told.stored).to.deep.equal([{dtype: 'float16', bytes: 2 * told.parameters}]);
    expect(told.weights).to.equal(4 * told.parameters);
    const opened = (await openModel(modelInFolder(half), {dtype: 'float16'})).model.model;
    expect(told.weightsInHalves).to.equal(weightBytesOf(opened));
    opened.dispose();
    const losses = async (path: string): Promise<number[]> => {
      const line = `eval perplexity --checkpoint ${path} --data ${at('data')} --prefixes 0,8 --targets 4 --windows 4 --json`;
      return JSON.parse(await ok(line)).byPrefix.map(({loss}: {loss: number}) => loss);
    };
    const [before, after] = [await losses(at('run', 'model-best')), await losses(half)];
    // Of weights that are off by 2^-11 at most; the loss of a trained model changes by less.
    after.forEach((loss, i) => {
      expect(loss).to.be.closeTo(before[i], before[i] / 2048);
      expect(loss).not.to.equal(before[i]);
    });

    // The same model stored as float32 again; a copy as it is unless asked otherwise.
    await ok(`model export ${half} --dtype float32 --out ${at('widened')}`);
    expect(card(at('widened')).weights).to.deep.include({storage: 'float32', sha256: stored.weights.sha256});
    expect(card(at('widened'))).to.deep.include({title: stored.title, training: stored.training});
    await ok(`model export ${half} --out ${at('copied')}`);
    expect(card(at('copied'))).to.deep.equal(stored);
    await ok(
      `train lm --data ${at('data')} ${SETTINGS} --steps 1 --init-from ${half} --out ${at('from-half')}`,
    );
  });

  it('begin a new run', async () => {
    const begun = async (path: string, out: string): Promise<string> => {
      await ok(
        `train lm --data ${at('data')} ${SETTINGS.replace('0.1', '1e-3')} --steps 2 --init-from ${path} --out ${at(out)}`,
      );
      expect(readFileSync(at(out, 'changes.jsonl'), 'utf8')).to.include('step 9');
      return card(at(out, 'model')).weights.sha256;
    };
    expect(await begun(at('run', 'model'), 'from-folder')).to.equal(await begun(at('run'), 'from-run'));
  });

  it('are described', async () => {
    const words = await ok(`model info ${at('run', 'model-best')}`);
    expect(words).to.include('bmojo on lm (data)').and.include('weights.bin'.slice(0, 7));
    expect(words).to.include('parameters').and.include('best weights');
    expect(await ok(`model info ${at('run')}`)).to.include('parameters');
    const numbers = JSON.parse(await ok(`model info ${at('run', 'model')} --json`));
    expect(numbers.card.training.weights).to.equal('last');
    expect(numbers.parameters).to.equal(numbers.card.model.parameters);
  });

  it('are left when training is interrupted, and replaced when it goes on', async () => {
    const line = `train lm --data ${at('data')} ${SETTINGS} --steps 100000 --eval-every 100000 --out ${at('cut')} --json`;
    const {code, err} = await interrupted(line.split(' '), /"step":3,/);
    expect(code, err).to.equal(130);
    const step = card(at('cut', 'model')).training?.step ?? 0;
    expect(step).to.be.within(3, 99_999);
    expect(existsSync(at('cut', 'model-best'))).to.equal(false);
    await ok(`train lm --resume --out ${at('cut')} --steps ${step + 2}`);
    expect(card(at('cut', 'model')).training?.step).to.equal(step + 2);
    expect(card(at('cut', 'model-best')).training?.step).to.equal(step + 2);
    expect(readdirSync(at('cut')).filter(name => /draft|replaced/.test(name))).to.deep.equal([]);
  });

  it('hold the last sound weights when a run diverges', async () => {
    const line = `train lm --data ${at('data')} ${SETTINGS.replace('0.1', '9 --ssm-rate-factor 1000')} --steps 40 --checkpoint-every 1 --out ${at('lost')}`;
    const {code, out} = await bmojo(line.split(' '));
    expect(code, out).to.equal(1);
    const latest = readFileSync(at('lost', 'checkpoint', 'latest.json'), 'utf8');
    const {step, folder: own}: {step: number; folder: string} = JSON.parse(latest);
    expect(card(at('lost', 'model')).training?.step).to.equal(step);
    const weights = readFileSync(at('lost', 'model', 'weights-00001-of-00001.bin'));
    const numbers = new Float32Array(Uint8Array.from(weights).buffer);
    expect(numbers.every(Number.isFinite)).to.equal(true);
    const kept = readFileSync(at('lost', 'checkpoint', own, 'weights.safetensors'));
    expect(kept.subarray(-weights.length).equals(weights)).to.equal(true);
  });

  it('of version 0.1.0 still write, with one warning', async () => {
    const line = `generate --checkpoint ${join(fixture, 'model')} --prompt line --tokens 12 --seed 4 --quiet`;
    const {code, out, err} = await bmojo(line.split(' '));
    expect(code, err).to.equal(0);
    expect(err.match(/has no card\.json/g)).to.have.length(1);
    const run = `generate --checkpoint ${fixture} --weights last --prompt line --tokens 12 --seed 4 --quiet`;
    expect(out).to.equal(await ok(run));
  });

  it('are refused where they are damaged, elsewhere, or asked for what they do not hold', async () => {
    cpSync(at('run', 'model'), at('damaged'), {recursive: true});
    const weights = at('damaged', 'weights-00001-of-00001.bin');
    const bytes = readFileSync(weights);
    bytes[9] ^= 1;
    writeFileSync(weights, bytes);
    const cases: [string, number, string][] = [
      [`generate --checkpoint ${at('damaged')}`, 1, 'weights-00001-of-00001.bin is damaged'],
      [`train lm --data ${at('data')} --init-from ${at('damaged')} --out ${at('none')}`, 1, 'is damaged'],
      [
        `generate --checkpoint ${at('data')}`,
        1,
        'is no run folder and no folder of Hugging Face (it has no config.json), and no model folder',
      ],
      [`generate --checkpoint ${at('run', 'model')} --weights best`, 2, '--weights best:'],
      [`eval mqar --checkpoint ${at('run', 'model')}`, 1, 'was trained on lm, not mqar'],
      [`model export ${at('run')} --out ${at('data')}`, 2, 'exists and is not empty'],
      [`model export ${at('run')} --dtype bfloat16 --out ${at('none')}`, 2, 'choose float16'],
      [`model info ${at('run', 'model')} --layers 3`, 2, '--layers: '],
      [`eval perplexity --checkpoint ${at('run', 'model')} --prefixes 0`, 1, 'data is no data folder'],
    ];
    for (const [line, code, words] of cases) {
      const ended = await bmojo(line.split(' '));
      expect(ended.err, line).to.include(words);
      expect(ended.code, line).to.equal(code);
      expect(ended.err.trim().split('\n'), line).to.have.length(1);
    }
    expect(existsSync(at('none'))).to.equal(false);
  });
});
