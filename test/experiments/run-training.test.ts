// A run's own files while it trains: which weights are the best, what its models' cards say, and what its evaluations read.

import {mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync} from 'node:fs';
import {tmpdir} from 'node:os';
import {join} from 'node:path';
import {fill, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {closeData, openData, prepareData} from '../../data/files/index.js';
import {byteTokenizer} from '../../data/tokenizers/index.js';
import {WindowIndex} from '../../data/windows.js';
import {evaluateLanguage} from '../../eval/language.js';
import {workloadFamily} from '../../experiments/families/index.js';
import {languageOf, written} from '../../experiments/families/language.js';
import {runTraining} from '../../experiments/run.js';
import {parseRunConfig} from '../../experiments/run-config.js';
import {RunFolder} from '../../experiments/run-folder.js';
import {LanguageModel} from '../../models/language-model.js';

const tiny = {layers: 1, dModel: 8, heads: 1, window: 4, eideticSlots: 2, stateSize: 4};

describe('training of a run', () => {
  let root: string;
  beforeEach(() => {
    root = mkdtempSync(join(tmpdir(), 'bmojo-run-training-'));
  });
  afterEach(() => rmSync(root, {recursive: true}));

  it('keeps the first of equal evaluations as the best, also when it goes on, and cards tell theirs', async () => {
    const config = parseRunConfig('mqar', {
      backend: 'cpu',
      data: {length: 16, pairs: 2, vocabSize: 16},
      model: tiny,
      // Without a rate, every evaluation is that of the first.
      train: {steps: 3, batch: 2, rate: 0, evalEvery: 1, evalSamples: 4},
    });
    const folder = RunFolder.create(join(root, 'run'), config);
    const cards = (): unknown[] =>
      ['model', 'model-best'].map(name => {
        const card = JSON.parse(readFileSync(join(folder.path, name, 'card.json'), 'utf8'));
        return [card.training.step, card.training.evaluation.step];
      });
    for await (const event of runTraining(folder, {resume: false})) void event;
    expect(folder.evaluations().map(({step}) => step)).to.deep.equal([1, 2, 3]);
    expect(folder.best.lastStep).to.equal(1);
    expect(cards()).to.deep.equal([
      [3, 3],
      [1, 1],
    ]);
    folder.change({...config, train: {...config.train, steps: 5}}, ['steps']);
    for await (const event of runTraining(folder, {resume: true})) void event;
    expect(folder.evaluations()).to.have.length(5);
    expect(folder.best.lastStep).to.equal(1);
    expect(cards()).to.deep.equal([
      [5, 5],
      [1, 1],
    ]);
  });

  it('writes no weights where none are kept, and begins again behind a stop', async () => {
    const config = parseRunConfig('mqar', {
      backend: 'cpu',
      data: {length: 16, pairs: 2, vocabSize: 16},
      model: tiny,
      train: {steps: 6, batch: 2, logEvery: 1, evalEvery: 2, evalSamples: 4, checkpointEvery: 1},
    });
    const folder = RunFolder.create(join(root, 'run'), config);
    const stop = new AbortController();
    const options = {resume: false, keepsWeights: false};
    for await (const {type} of runTraining(folder, {...options, signal: stop.signal}))
      if (type === 'step') stop.abort();
    expect(folder.finished).to.equal(false);
    for await (const event of runTraining(folder, options)) void event;
    expect(folder.finished).to.equal(true);
    expect(folder.sessions()).to.have.length(2);
    expect(new Set(folder.readMetrics().map(({step}) => step))).to.deep.equal(new Set([1, 2, 3, 4, 5, 6]));
    expect(folder.checkpoints.lastStep).to.equal(undefined);
    const kept = readdirSync(folder.path);
    expect(kept).to.include.members(['result.json', 'metrics.jsonl', 'curve.svg']);
    for (const name of ['checkpoint', 'best', 'model', 'model-best']) expect(kept).to.not.include(name);
  });

  it('shows a text of the model, or why there is none', async () => {
    await useBackend('cpu');
    const model = LanguageModel.create({...tiny, vocabSize: 257});
    expect(await written(model, byteTokenizer())).not.to.include('no token can be chosen');
    const [{variable}] = model.parameters();
    tidy(() => variable.assign(fill(variable.shape, Number.NaN)));
    expect(await written(model, byteTokenizer())).to.match(/^\(no token can be chosen: .* is NaN/);
    model.model.dispose();
  });

  it('scores language on held-out windows as long as all segments', async () => {
    writeFileSync(join(root, 'train.txt'), 'abcdefgh'.repeat(200));
    // No two stretches of it are alike.
    const held = Array.from({length: 320}, (_, i) => 'abcdefgh'[Math.floor(i ** 1.5) % 8]);
    writeFileSync(join(root, 'valid.txt'), held.join(''));
    const path = join(root, 'data');
    await prepareData({
      files: [join(root, 'train.txt')],
      validFiles: [join(root, 'valid.txt')],
      tokenizer: 'char',
      out: path,
    });
    const config = parseRunConfig('lm', {
      backend: 'cpu',
      data: {data: path, context: 8, segments: 4},
      model: tiny,
      train: {steps: 1, batch: 2, evalSamples: 5},
    });
    const workload = workloadFamily('lm').open(config);
    const {model} = config;
    const language = LanguageModel.create({...model, vocabSize: config.model.vocabSize});
    const data = openData(path);
    try {
      const found = languageOf(await workload.evaluate(language));
      const starts = new WindowIndex(data.valid, 32).spread(5);
      const wanted = {starts, context: 8, segments: 4, batch: 5};
      expect(found).to.deep.equal(await evaluateLanguage(language, data.valid, wanted));
      expect(found).to.not.deep.equal(await evaluateLanguage(language, data.train, wanted));
      expect(found.tokens).to.equal(5 * 32);
    } finally {
      closeData(data);
      workload.close();
      language.model.dispose();
    }
  });
});
