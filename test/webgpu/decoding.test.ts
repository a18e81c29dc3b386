// Replayed decoding steps are the ordinary ones, bit for bit, also across the chunks where tokens are stored.

import {backend, memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {DecodingSession} from '../../models/decoding-session.js';
import {LanguageModel} from '../../models/language-model.js';
import {warnings} from '../support/warnings.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

const sizes = {vocabSize: 32, dModel: 8, layers: 1, heads: 1, stateSize: 4, seed: 5};
/** Long enough for the memory to be full: shapes change no more. */
const prompt = [3, 1, 4, 1, 5, 9, 2, 6, 5];
const TOKENS = 14;

const models = [
  {name: 'bmojo', given: {preset: 'bmojo', window: 4, eideticSlots: 3}, replays: 7},
  {name: 'storage that grows', given: {preset: 'bmojo-f', window: 4, storage: 3}, replays: 1},
  {name: 'mamba', given: {preset: 'mamba'}, replays: 10},
  {
    name: 'layers of two windows',
    given: {
      layers: 2,
      plan: [{mixer: {window: 4, eideticSlots: 3}}, {mixer: {window: 3, eideticSlots: 2, rotaryBase: 50}}],
    },
    replays: 3,
  },
] as const;

type Given = (typeof models)[number]['given'];

/** The memory after the prompt; read on the cpu, since a GPU in software compiles long for each length. */
async function readPrompt(given: Given): Promise<Uint8Array> {
  await useBackend('cpu');
  const model = LanguageModel.create({...sizes, ...given});
  const session = new DecodingSession(model);
  await session.read(prompt);
  const bytes = await session.save();
  session.dispose();
  model.model.dispose();
  await useBackend('webgpu');
  return bytes;
}

/** Logits of each of some tokens after the prompt, and how many steps were replays. */
async function decode(
  model: LanguageModel,
  state: Uint8Array,
  capture: boolean,
): Promise<{logits: number[][]; replays: number}> {
  const session = new DecodingSession(model, {capture});
  session.restore(state);
  const logits: number[][] = [];
  for (let i = 0; i < TOKENS; i++) {
    logits.push([...(await session.logits())]);
    await session.read([(7 * i + 2) % sizes.vocabSize]);
  }
  const {replays} = session;
  session.dispose();
  return {logits, replays};
}

/** Names of the pipelines that are compiled while `body` runs. */
async function compiled(body: () => Promise<void>): Promise<string[]> {
  const {device} = backend() as unknown as {device: GPUDevice};
  const names: string[] = [];
  const create = device.createComputePipeline;
  device.createComputePipeline = descriptor => {
    names.push(descriptor.label ?? '');
    return create.call(device, descriptor);
  };
  try {
    await body();
  } finally {
    device.createComputePipeline = create;
  }
  return names;
}

describe('decoding on webgpu', function () {
  this.timeout(300_000);
  before(async function () {
    await useWebGPUOrSkip(this);
  });

  for (const {name, given, replays} of models) {
    it(`replays the step of ${name} to the same bits`, async () => {
      const state = await readPrompt(given);
      const model = LanguageModel.create({...sizes, ...given});
      const ordinary = await decode(model, state, false);
      expect(ordinary.replays).to.equal(0);
      const before = memory().numTensors;
      let captured = ordinary;
      const printed = await warnings(async () => {
        captured = await decode(model, state, true);
      });
      expect(printed).to.deep.equal([]);
      expect(captured.replays, 'replayed tokens').to.be.at.least(replays);
      expect(captured.logits).to.deep.equal(ordinary.logits);
      expect(memory().numTensors, 'tensors left behind').to.equal(before);
      model.model.dispose();
    });
  }

  for (const {name, given} of [models[0], {name: 'transformer', given: {preset: 'transformer'}}] as const) {
    it(`compiles no kernel of the memory for another length of ${name}`, async () => {
      const model = LanguageModel.create({...sizes, ...given});
      const session = new DecodingSession(model, {capture: false});
      const memoryKernels = async (tokens: readonly number[]): Promise<string[]> =>
        (
          await compiled(async () => {
            for (const token of tokens) await session.read([token]);
          })
        ).filter(label => ['memoryAttention', 'innovationSelect'].includes(label));
      // One token begins, one goes on; a token is computed when the next one is read.
      expect(await memoryKernels(prompt.slice(0, 3))).to.include('memoryAttention');
      expect(await memoryKernels(prompt)).to.deep.equal([]);
      session.dispose();
      model.model.dispose();
    });
  }
});
