import type {Tensor2D, Tensor3D} from '@tensorflow/tfjs-core';
import {cast, memory, oneHot} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import type {Task} from '../../data/task.js';
import {IGNORED} from '../../data/task.js';
import {evaluateRecall} from '../../eval/recall.js';
import type {ScorableModel} from '../../eval/scorable.js';
import {markdownTable, textTable} from '../../eval/table.js';

/** Answers with the token it sees: right where the task wants that. */
const echo: ScorableModel = {
  hidden: tokens => cast(oneHot(tokens, 50), 'float32') as Tensor3D,
  logits: hidden => hidden as Tensor2D,
};

/** Two queries in even samples, one in odd ones; the echo is right at distance 4 and wrong at 20 in sample 0. */
const task: Task = {
  name: 'echo',
  vocabSize: 50,
  length: 24,
  chance: 1 / 50,
  sample: ({index}) => {
    const inputs = Int32Array.from({length: 24}, (_, i) => i);
    const labels = new Int32Array(24).fill(IGNORED);
    labels[3] = 3;
    if (index % 2 === 1) return {inputs, labels, queries: [{position: 3, distance: 4}]};
    labels[20] = 7;
    return {
      inputs,
      labels,
      queries: [
        {position: 3, distance: 4},
        {position: 20, distance: 20},
      ],
    };
  },
};

describe('accuracy of recall', () => {
  before(() => useBackend('cpu'));

  it('counts queries, samples and distances apart', async () => {
    const before = memory().numTensors;
    const report = await evaluateRecall(echo, task, {seed: 1, samples: 5, batch: 2, reach: 16});
    expect(memory().numTensors).to.equal(before);
    expect(report.queries).to.equal(8); // samples 0, 2, 4 ask twice
    expect(report.accuracy).to.equal(5 / 8);
    expect(report.macroAccuracy).to.be.closeTo((3 * 0.5 + 2) / 5, 1e-12);
    expect(report.byDistance).to.deep.equal([
      {from: 1, to: 8, queries: 5, accuracy: 1},
      {from: 17, to: 23, queries: 3, accuracy: 0},
    ]);
    expect(report.beyondReach).to.deep.equal({from: 17, to: 23, queries: 3, accuracy: 0});
    const right = Math.log(Math.E + 49) - 1;
    expect(report.loss).to.be.closeTo((5 * right + 3 * (right + 1)) / 8, 1e-5);
  });

  it('asks held-out samples of its seed, each once', async () => {
    const asked: unknown[] = [];
    const noting: Task = {
      ...task,
      sample: key => {
        asked.push(key);
        return task.sample(key);
      },
    };
    await evaluateRecall(echo, noting, {seed: 7, samples: 3, batch: 2});
    expect(asked).to.deep.equal([0, 1, 2].map(index => ({seed: 7, split: 'test', index})));
  });

  it('has no slice beyond the windows without windows', async () => {
    const report = await evaluateRecall(echo, task, {seed: 1, samples: 1, batch: 2});
    expect(report).to.not.have.property('beyondReach');
  });
});

describe('tables', () => {
  const rows = [
    ['model', 'accuracy'],
    ['bmojo', '96.1 %'],
    ['swa', '9.0 %'],
  ];
  it('align words left and numbers right', () => {
    expect(textTable(rows)).to.equal('model  accuracy\nbmojo    96.1 %\nswa       9.0 %');
  });
  it('are the same in Markdown', () => {
    expect(markdownTable(rows)).to.equal(
      '| model | accuracy |\n| ----- | -------- |\n| bmojo | 96.1 %   |\n| swa   | 9.0 %    |',
    );
  });
});
