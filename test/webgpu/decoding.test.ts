// Replayed decoding steps are the ordinary ones, bit for bit, also across the chunks where tokens are stored.

import {memory, reshape, tensor2d, tidy} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {DecodingSession} from '../../models/decoding-session.js';
import type {ModelState} from '../../models/language-model.js';
import {disposeModelState, LanguageModel} from '../../models/language-model.js';
import {warnings} from '../support/warnings.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

const sizes = {vocabSize: 32, dModel: 8, layers: 1, heads: 1, stateSize: 4};
/** Long enough for the memory to be full: shapes change no more. */
const prompt = [3, 1, 4, 1, 5, 9, 2, 6, 5];
const TOKENS = 14;

/** Logits after the prompt and each token of `written`, issued op by op. */
async function ordinary(model: LanguageModel, written: readonly number[]): Promise<Float32Array[]> {
  const found: Float32Array[] = [];
  let state: ModelState = model.initialState(1);
  const advance = (tokens: readonly number[]) => {
    const {logits, state: next} = tidy(() => {
      const step = model.advance(tensor2d([...tokens], [1, tokens.length], 'int32'), state);
      const {shape} = step.hidden;
      return {logits: model.logits(reshape(step.hidden, [shape[1], shape[2]])), state: step.state};
    });
    disposeModelState(state);
    state = next;
    return logits;
  };
  advance(prompt.slice(0, -1)).dispose();
  for (const token of [prompt[prompt.length - 1], ...written.slice(0, -1)]) {
    const logits = advance([token]);
    found.push((await logits.data<'float32'>()).slice());
    logits.dispose();
  }
  disposeModelState(state);
  return found;
}

describe('decoding on webgpu', function () {
  this.timeout(300_000);
  before(async function () {
    await useWebGPUOrSkip(this);
  });

  const models = [
    {name: 'bmojo', given: {preset: 'bmojo', window: 4, eideticSlots: 3}, replays: 7},
    {name: 'mamba', given: {preset: 'mamba'}, replays: 10},
  ] as const;
  for (const {name, given, replays} of models) {
    it(`replays the step of ${name} to the same bits`, async () => {
      const model = LanguageModel.create({...sizes, ...given, seed: 5});
      const before = memory().numTensors;
      const session = new DecodingSession(model);
      const written: number[] = [];
      const found: Float32Array[] = [];
      const printed = await warnings(async () => {
        session.read(prompt);
        for (let i = 0; i < TOKENS; i++) {
          found.push(await session.logits());
          const token = (7 * i + 2) % sizes.vocabSize;
          session.read([token]);
          written.push(token);
        }
      });
      expect(printed).to.deep.equal([]);
      expect(session.replays, 'replayed tokens').to.be.at.least(replays);
      session.dispose();
      const expected = await ordinary(model, written);
      expect(found.map(one => [...one])).to.deep.equal(expected.map(one => [...one]));
      expect(memory().numTensors, 'tensors left behind').to.be.at.most(before + 1);
      model.model.dispose();
    });
  }
});
