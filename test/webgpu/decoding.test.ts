// Replayed decoding steps are the ordinary ones, bit for bit, also across the chunks where tokens are stored.

import {backend, memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {parseSettings} from '../../config/schema.js';
import {useBackend} from '../../custom-ops/index.js';
import type {HalfDType} from '../../formats/weight-dtype.js';
import type {PartialModelConfig} from '../../models/config.js';
import {asLanguageModel} from '../../models/create.js';
import {DecodingSession} from '../../models/decoding-session.js';
import {drawnModel} from '../../models/half-model.js';
import {LanguageModel} from '../../models/language-model.js';
import {samplingSchema} from '../../models/token-sampling.js';
import {warnings} from '../support/warnings.js';
import {useWebGPUOrSkip} from '../support/webgpu.js';

const sizes = {vocabSize: 32, dModel: 8, layers: 1, heads: 1, stateSize: 4, seed: 5};
/** Long enough for the memory to be full: shapes change no more. */
const prompt = [3, 1, 4, 1, 5, 9, 2, 6, 5];
const TOKENS = 14;

interface Tested {
  readonly name: string;
  readonly given: PartialModelConfig;
  /** Tokens read before. Default: `prompt`, behind which the memory of the windows is full. */
  readonly before?: number;
  /** How the model's matrices lie in memory. Default: float32. */
  readonly weights?: HalfDType;
  /** Tokens replayed at least. */
  readonly replays: number;
}

const models: readonly Tested[] = [
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
  {
    // At a token of most chunks the first layer stores alone, at that of every fourth the second with it.
    name: 'layers of which one or two begin a chunk, and one stores nothing',
    given: {
      layers: 3,
      plan: [
        {mixer: {window: 2, eideticSlots: 2}},
        {mixer: {window: 8, eideticSlots: 3}},
        {mixer: {window: 4, eideticSlots: 0}},
      ],
    },
    before: 17,
    replays: 6,
  },
  {
    name: 'bmojo whose window fills',
    given: {preset: 'bmojo', window: 32, eideticSlots: 3},
    before: 4,
    replays: 10,
  },
  {
    name: 'fading tokens far behind, while they come',
    given: {preset: 'bmojo', window: 3, fading: 'chunk', fadingTokens: 12, eideticSlots: 2},
    before: 4,
    replays: 4,
  },
  {name: 'transformer', given: {preset: 'transformer'}, replays: 11},
  {
    name: 'a transformer of halves',
    given: {preset: 'transformer', mlp: true},
    weights: 'float16',
    replays: 11,
  },
  {name: 'bmojo of halves', given: {window: 4, eideticSlots: 3}, weights: 'bfloat16', replays: 7},
  {name: 'a transformer that outgrows its room', given: {preset: 'transformer'}, before: 250, replays: 8},
  {
    name: 'all of the past beside a window',
    given: {
      layers: 2,
      plan: [
        {mixer: {window: 4, eideticSlots: 3}},
        {mixer: {window: 0, fading: 'none', eideticSlots: 0, ssm: false}},
      ],
    },
    replays: 6,
  },
];

const tokenAt = (i: number): number => (7 * i + 2) % sizes.vocabSize;

/** The memory after the prompt; read on the cpu, since a GPU in software compiles long for each length. */
async function readPrompt({given, before}: Tested): Promise<Uint8Array> {
  await useBackend('cpu');
  const model = LanguageModel.create({...sizes, ...given});
  const session = new DecodingSession(model);
  await session.read(before === undefined ? prompt : Array.from({length: before}, (_, i) => tokenAt(3 * i)));
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
): Promise<{logits: number[][]; replays: number; saved: Uint8Array}> {
  const session = new DecodingSession(model, {capture});
  session.restore(state);
  const logits: number[][] = [];
  for (let i = 0; i < TOKENS; i++) {
    logits.push([...(await session.logits())]);
    await session.read([tokenAt(i)]);
  }
  const {replays} = session;
  const saved = await session.save();
  session.dispose();
  return {logits, replays, saved};
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

  for (const tested of models) {
    const {name, given, replays} = tested;
    it(`replays the step of ${name} to the same bits`, async () => {
      const state = await readPrompt(tested);
      const model =
        tested.weights === undefined
          ? LanguageModel.create({...sizes, ...given})
          : asLanguageModel(drawnModel({...sizes, ...given}, tested.weights));
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
      expect(captured.saved, 'what is saved').to.deep.equal(ordinary.saved);
      expect(memory().numTensors, 'tensors left behind').to.equal(before);
      model.model.dispose();
    });
  }

  it('takes no memory of the device anew for a replayed token, however the past grows', async () => {
    const model = LanguageModel.create({...sizes, preset: 'transformer'});
    const session = new DecodingSession(model);
    const settings = parseSettings('sampling', samplingSchema, {});
    await session.read([3, 1]);
    for (let i = 0; i < 6; i++) await session.write(settings);
    const {device} = backend() as unknown as {device: GPUDevice};
    const create = device.createBuffer;
    let made = 0;
    device.createBuffer = descriptor => {
      made++;
      return create.call(device, descriptor);
    };
    const {replays} = session;
    try {
      for (let i = 0; i < 5; i++) await session.write(settings);
    } finally {
      device.createBuffer = create;
    }
    expect(session.replays - replays).to.equal(5);
    expect(made).to.equal(0);
    session.dispose();
    model.model.dispose();
  });

  it('replays at once what goes on from a saved state', async () => {
    const model = LanguageModel.create({...sizes, preset: 'transformer'});
    const session = new DecodingSession(model);
    const settings = parseSettings('sampling', samplingSchema, {});
    await session.read([3, 1]);
    const saved = await session.save();
    for (let i = 0; i < 5; i++) await session.write(settings);
    const {replays} = session;
    session.restore(saved);
    for (let i = 0; i < 5; i++) await session.write(settings);
    expect(session.replays - replays).to.equal(5);
    session.dispose();
    model.model.dispose();
  });

  it('leaves nothing behind of a step that fails', async () => {
    const model = LanguageModel.create({...sizes, preset: 'transformer'});
    const session = new DecodingSession(model);
    await session.read([3, 1]); // one token is in memory, which the next step gives room
    const before = memory().numTensors;
    const {logits} = model;
    model.logits = () => {
      throw new Error('out of order');
    };
    const outcome = await session.logits().catch((error: Error) => error.message);
    expect(outcome).to.equal('out of order');
    expect(memory().numTensors).to.equal(before);
    model.logits = logits;
    expect(await session.logits()).to.have.length(sizes.vocabSize);
    session.dispose();
    model.model.dispose();
  });

  // Heads of a width of their own: other tests have compiled none of their kernels.
  for (const [name, given] of [
    ['bmojo', {...models[0].given, dModel: 28}],
    ['transformer', {preset: 'transformer', dModel: 24}],
  ] as const) {
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
