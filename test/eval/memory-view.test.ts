import {fill, memory, profile, tensor2d} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {createMqar} from '../../data/mqar.js';
import {memoryRecord} from '../../eval/memory-record.js';
import {LayerRecord, memoryView} from '../../eval/memory-view.js';
import {drawingOf} from '../../eval/report/record.js';
import {LanguageModel} from '../../models/index.js';
import {mixersOf} from '../../models/layer-plan.js';
import {expectClose} from '../support/error.js';

const tokens = createMqar({length: 64, pairs: 4, vocabSize: 64}).sample({
  seed: 1,
  split: 'test',
  index: 0,
}).inputs;
/** Some more than three stretches. */
const long = Array.from({length: 1600}, (_, at) => (at * at + 7 * (at >> 3)) % 64);
const config = {vocabSize: 64, dModel: 16, window: 8, eideticSlots: 6, seed: 3} as const;

describe('memory view', () => {
  before(() => useBackend('wasm'));

  it('tells what was stored, from when until when, and that it was what surprised most', async () => {
    const model = LanguageModel.create({...config, preset: 'bmojo'});
    await memoryView(model, tokens);
    const before = memory().numTensors;
    const {layers} = await memoryView(model, tokens);
    expect(memory().numTensors, 'tensors left behind').to.equal(before);
    expect(layers.map(({layer}) => layer)).to.deep.equal([0, 1]);
    for (const {innovation = [], stored = [], shares = []} of layers) {
      expect(innovation).to.have.lengthOf(64);
      expect(shares.map(head => head.length)).to.deep.equal([64, 64]);
      for (let chunk = 0; chunk < 8; chunk++) {
        const held = stored.filter(({from, until}) => from <= 8 * chunk && until > 8 * chunk);
        const candidates = innovation.slice(0, Math.max(0, 8 * (chunk - 1)));
        expect(held).to.have.lengthOf(Math.min(6, candidates.length));
        const largest = [...candidates].sort((a, b) => b - a).slice(0, 6);
        expect(held.map(one => one.innovation).sort((a, b) => b - a)).to.deep.equal(largest);
      }
      for (const {position, token} of stored) expect(token).to.equal(tokens[position]);
    }
    model.model.dispose();
  });

  it('has what a model has: no memory view of stored tokens without slots, of attention without attention', async () => {
    for (const [preset, keys] of [
      ['bmojo-f', ['innovation', 'shares']],
      ['mamba', ['innovation']],
      ['swa', ['shares']],
    ] as const) {
      const model = LanguageModel.create({...config, eideticSlots: 0, preset});
      const view = await memoryView(model, tokens);
      for (const layer of view.layers) {
        const present = Object.entries(layer).filter(([, value]) => value !== undefined);
        expect(present.map(([key]) => key)).to.have.members(['layer', ...keys]);
      }
      const record = memoryRecord({view, model: preset, sequence: 'a sample', command: 'bmojo', step: 1});
      expect(drawingOf(record)).to.match(/^<svg/);
      expect(record.table).to.have.lengthOf(
        1 + view.layers.reduce((n, {shares}) => n + Math.max(1, shares?.length ?? 0), 0),
      );
      model.model.dispose();
    }
  });

  // Windows that do and do not divide a stretch, one that is longer, and what lies between and beside the memories.
  for (const [name, given] of Object.entries({
    bmojo: {preset: 'bmojo', mlp: true},
    'bmojo, chunks across stretches': {preset: 'bmojo', window: 12, eideticOverlap: true},
    'bmojo, a window beyond a stretch': {preset: 'bmojo', window: 700},
    'bmojo, chosen by chance': {preset: 'bmojo', eideticRule: 'chance'},
    'bmojo-f': {preset: 'bmojo-f', eideticSlots: 0, window: 12},
    'gates before storage': {preset: 'bmojo', storage: 3, memoryGate: true},
    mamba: {preset: 'mamba', eideticSlots: 0},
    swa: {preset: 'swa', eideticSlots: 0},
    transformer: {preset: 'transformer', eideticSlots: 0},
  } as const))
    it(`sees in stretches what it sees in the whole: ${name}`, async () => {
      const model = LanguageModel.create({...config, layers: 2, heads: 2, ...given});
      // Gates start closed, before memories that nobody would see.
      for (const {name: weight, variable} of model.parameters())
        if (weight.endsWith('memory_gate')) variable.assign(fill(variable.shape, 0.5));
      const before = memory().numTensors;
      const view = await memoryView(model, long);
      expect(memory().numTensors, 'tensors left behind').to.equal(before);
      const analyses = model.analyze(tensor2d(long, [1, long.length], 'int32'));
      for (const [layer, analysis] of analyses.entries()) {
        const record = new LayerRecord(mixersOf(model.config)[layer]);
        await record.add(analysis, long.length);
        const whole = record.memory(long);
        const seen = view.layers[layer];
        expect(Object.keys(seen)).to.have.members(['layer', ...Object.keys(whole)]);
        expectClose(seen.innovation ?? [], whole.innovation ?? [], 1e-5, 'innovation');
        expectClose(seen.shares?.flat(2) ?? [], whole.shares?.flat(2) ?? [], 1e-5, 'shares');
        const spans = (stored: typeof whole.stored) =>
          stored?.map(({position, token, from, until}) => ({position, token, from, until}));
        expect(spans(seen.stored)).to.deep.equal(spans(whole.stored));
      }
      model.model.dispose();
    });

  it('takes no more memory for a long text than for a short one', async () => {
    const model = LanguageModel.create({...config, preset: 'bmojo', mlp: true});
    const peak = async (length: number): Promise<number> => {
      const look = async (): Promise<void> => {
        await memoryView(model, long.slice(0, length));
      };
      return (await profile(look)).peakBytes;
    };
    await peak(64);
    expect(await peak(3 * 512)).to.equal(await peak(2 * 512));
    model.model.dispose();
  });
});
