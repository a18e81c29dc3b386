// Ids before every text: the same positions are scored, each of them behind what the model expects to begin with.

import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {memoryTokens} from '../../data/token-source.js';
import {byteTokenizer} from '../../data/tokenizers/index.js';
import {answerBatch} from '../../eval/answer-batch.js';
import {beginBatch} from '../../eval/begin-batch.js';
import {evaluateLambada, evaluateNeedleText, evaluatePerplexity} from '../../eval/index.js';
import {LanguageModel} from '../../models/index.js';

const texts = [
  {ids: Int32Array.of(5, 6, 7, 8), begin: 2},
  {ids: Int32Array.of(1, 2, 3), begin: 1},
];

describe('beginBatch', () => {
  it('is what texts with those ids in front are, or the batch itself without any', () => {
    const batch = answerBatch(texts);
    expect(beginBatch(batch, [])).to.equal(batch);
    const longer = texts.map(({ids, begin}) => ({ids: Int32Array.of(9, 4, ...ids), begin: begin + 2}));
    expect(beginBatch(batch, [9, 4])).to.deep.equal(answerBatch(longer));
  });

  it('every evaluation of text takes them', async () => {
    await useBackend('wasm');
    const tokenizer = byteTokenizer();
    const model = LanguageModel.create({vocabSize: 256, dModel: 16, layers: 1, window: 8, seed: 2});
    const passages = [{context: 'the cat saw the', target: ' bird'}];
    const source = memoryTokens(
      [tokenizer.encode('the cat saw the other bird. '.repeat(6))],
      256,
      168,
      () => 1,
    );
    const needle = {kind: 'single', length: 400, depth: 0.5, samples: 1, batch: 1, seed: 1} as const;
    const measure = async (startTokens?: number[]): Promise<number[]> => [
      (await evaluateLambada(model, tokenizer, passages, {batch: 1, startTokens})).perplexity,
      (await evaluateNeedleText(model, tokenizer, {...needle, startTokens})).loss,
      (
        await evaluatePerplexity(model, source, {
          ...{prefixes: [0], targets: 8, windows: 2, batch: 2, trained: 64, startTokens},
        })
      ).byPrefix[0].loss,
    ];
    const [without, none, begun] = [await measure(), await measure([]), await measure([200, 201])];
    expect(none).to.deep.equal(without);
    for (const [i, loss] of begun.entries()) expect(loss).to.not.equal(without[i]);
    model.model.dispose();
  });
});
