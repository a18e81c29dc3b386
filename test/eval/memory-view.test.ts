import {memory} from '@tensorflow/tfjs-core';
import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {createMqar} from '../../data/mqar.js';
import {memoryRecord} from '../../eval/memory-record.js';
import {memoryView} from '../../eval/memory-view.js';
import {drawingOf} from '../../eval/report/record.js';
import {LanguageModel} from '../../models/index.js';

const tokens = createMqar({length: 64, pairs: 4, vocabSize: 64}).sample({
  seed: 1,
  split: 'test',
  index: 0,
}).inputs;
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
});
