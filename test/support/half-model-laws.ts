// What a model whose matrices are halves is held against: the model in float32 with the same, rounded numbers.

import type {Tensor} from '@tensorflow/tfjs-core';
import {dispose, tensor2d} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import type {HalfDType} from '../../formats/weight-dtype.js';
import {narrow, widen} from '../../formats/weight-dtype.js';
import {blankModel} from '../../models/half-model.js';
import {heldWeights} from '../../models/held-weights.js';
import type {ModelConfig} from '../../models/index.js';
import {asLanguageModel, disposeModelState, generate, LanguageModel} from '../../models/index.js';

export interface HalfAndRounded {
  /** Its matrices are halves. */
  readonly half: LanguageModel;
  /** In float32, with the numbers that these halves are. */
  readonly rounded: LanguageModel;
}

export async function halfAndRounded(
  given: Partial<ModelConfig>,
  format: HalfDType,
): Promise<HalfAndRounded> {
  const rounded = LanguageModel.create(given);
  const half = asLanguageModel(blankModel(given, format));
  const own = heldWeights(rounded.model);
  const halves = heldWeights(half.model);
  expect(halves.map(({name, shape}) => [name, shape])).to.deep.equal(
    own.map(({name, shape}) => [name, shape]),
  );
  for (const [i, weight] of halves.entries()) {
    const numbers = Float32Array.from(await own[i].numbers());
    weight.take(numbers);
    if (weight.storage !== 'float32') own[i].take(widen(narrow(numbers, format), format));
    expect(await weight.numbers(), weight.name).to.deep.equal(Float32Array.from(await own[i].numbers()));
  }
  return {half, rounded};
}

/** Logits of a prompt of 12 tokens, read at once, and of three after it, one by one. */
async function answers(model: LanguageModel): Promise<number[][]> {
  const results: Tensor[] = [];
  let state = model.initialState(1);
  const prompt = Array.from({length: 12}, (_, i) => (7 * i + 3) % model.vocabSize);
  for (const ids of [prompt, [1], [5], [2]]) {
    const tokens = tensor2d([ids], [1, ids.length], 'int32');
    const next = model.step(tokens, state);
    tokens.dispose();
    disposeModelState(state);
    results.push(next.logits);
    ({state} = next);
  }
  disposeModelState(state);
  const logits = await Promise.all(results.map(async result => Array.from(await result.data())));
  dispose(results);
  return logits;
}

/** Held to be alike to the bit, which is the law where sums of products have one order. */
export async function expectAlike({half, rounded}: HalfAndRounded): Promise<void> {
  const [found, expected] = [await answers(half), await answers(rounded)];
  for (const [i, logits] of expected.entries()) expect(found[i], `logits of step ${i}`).to.deep.equal(logits);
  const options = {prompt: [3, 1, 2], maxTokens: 12, temperature: 0};
  const written: number[][] = [];
  for (const model of [half, rounded]) {
    const ids: number[] = [];
    for await (const id of generate(model, options)) ids.push(id);
    written.push(ids);
  }
  expect(written[0]).to.deep.equal(written[1]);
}
