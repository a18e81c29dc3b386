// What is looked at in models whose layers differ.

import {expect} from 'chai';
import {useBackend} from '../../custom-ops/index.js';
import {windowReach} from '../../experiments/families/recall.js';
import {probe} from '../../experiments/probe.js';
import {LanguageModel, parseModelConfig} from '../../models/index.js';

describe('a look at a model in training', () => {
  before(() => useBackend('cpu'));

  it('finds the slots of each mixer, also behind a short convolution', async () => {
    const sample = Int32Array.from({length: 32}, (_, i) => (7 * i) % 16);
    for (const pattern of ['CB', 'BC', 'BF']) {
      const small = {layers: 2, dModel: 16, window: 4, eideticSlots: 4, vocabSize: 16};
      const model = LanguageModel.create({...small, pattern});
      const {memory} = (await probe(model, {sample})) ?? {memory: {}};
      expect(memory['memory/layer_0/slots_in_use'], pattern).to.equal(1);
      expect(memory, pattern).to.not.have.property('memory/layer_1/slots_in_use');
      model.model.dispose();
    }
  });

  it('knows how far windows reach, one on top of the other', () => {
    const reach = (given: object): number | undefined => windowReach(parseModelConfig({window: 8, ...given}));
    expect(reach({layers: 4})).to.equal(32);
    expect(reach({preset: 'hybrid', layers: 4}), 'every second layer has a window').to.equal(16);
    expect(reach({layers: 4, pattern: 'CCCB'})).to.equal(8);
    expect(reach({plan: [{}, {mixer: {window: 16}}]})).to.equal(24);
    expect(reach({preset: 'mamba'})).to.equal(undefined);
    expect(reach({preset: 'transformer', window: 0})).to.equal(undefined);
  });
});
